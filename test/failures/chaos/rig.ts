/** Callers, proxy, relay and pool, and the failures between them. */
import { setTimeout as delay } from 'node:timers/promises';
import type { SimulatorOptions } from '../../../src/simulator/simulator.ts';
import { Forked } from '../../support/forked.ts';
import { readMetrics, type MetricValues } from '../../support/metric-values.ts';
import type { Program } from '../../support/program.ts';
import { startRelay, type Relay } from '../../support/relay.ts';
import type { Checker, Executions } from './checker.ts';
import type { Phase } from './phases.ts';

/** Limit of outstanding calls per user. The load asks for fewer, so that only phases limit it. */
const usualLimit = 100;
const harvestEveryMs = 500;

export class PoolChild {
  readonly child: Forked;
  readonly port: number;

  static async start(program: Program, options: SimulatorOptions = {}): Promise<PoolChild> {
    const told = {
      simulator: program.path('simulator/simulator.js'),
      options: { latency: 15, limit: usualLimit, applications: 'any', ...options },
    };
    const { child, facts } = await Forked.start(new URL('simulator-child.js', import.meta.url), {
      args: [JSON.stringify(told)],
    });
    return new PoolChild(child, (facts as { port: number }).port);
  }

  private constructor(child: Forked, port: number) {
    this.child = child;
    this.port = port;
  }

  /** Reports the calls that ran since the last harvest to the checker. */
  async harvest(checker: Checker): Promise<void> {
    checker.ran(await this.child.ask<Executions>('executions'));
  }
}

export interface Resources {
  /** The resources that keep the event loop alive. */
  readonly active: readonly string[];
  readonly openFiles: number;
}

/** The installed proxy with a probe inside. */
export class ProxyChild {
  readonly child: Forked;
  readonly port: number;
  readonly #adminPort: number;

  static async start(
    program: Program,
    poolUrl: string,
    env: Readonly<Record<string, string>>,
  ): Promise<ProxyChild> {
    const probe = new URL('proxy-probe.js', import.meta.url).href;
    const { child } = await Forked.start(program.path('main.js'), {
      args: [
        ...['serve', '--upstream', poolUrl],
        ...['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
      ],
      nodeFlags: ['--expose-gc', '--import', probe],
      env,
    });
    const [, listen = '', admin = ''] = await child.until(
      /"listen":"[^"]+:(\d+)","admin":"[^"]+:(\d+)"/,
    );
    return new ProxyChild(child, Number(listen), Number(admin));
  }

  private constructor(child: Forked, port: number, adminPort: number) {
    this.child = child;
    this.port = port;
    this.#adminPort = adminPort;
  }

  metrics(): Promise<MetricValues> {
    return readMetrics(this.#adminPort);
  }

  /** Live bytes after a full garbage collection. */
  heapBytes(): Promise<number> {
    return this.child.ask('heap');
  }

  rssBytes(): Promise<number> {
    return this.child.ask('rss');
  }

  resources(): Promise<Resources> {
    return this.child.ask('resources');
  }

  warnings(): Promise<string[]> {
    return this.child.ask('warnings');
  }
}

export interface Rig {
  readonly proxy: ProxyChild;
  readonly relay: Relay;
  readonly pool: PoolChild;
  /** Runs the phases in turn until `calm`, which ends all failures. */
  harm(phases: readonly Phase[], phaseMs: number): void;
  calm(): Promise<void>;
  /** Resolves when the checker knows all calls that ran. */
  finish(): Promise<void>;
  /** User and system time so far, of the pool, of the proxy, and of the callers with the relay. */
  cpuSeconds(): Promise<Record<string, number>>;
  /** Number of phases that ran to their end. */
  readonly phasesOver: () => number;
}

/** Starts all processes. The checker regularly learns what the pool ran. */
export async function startRig(
  program: Program,
  checker: Checker,
  env: Readonly<Record<string, string>>,
  random: () => number,
): Promise<Rig> {
  const pool = await PoolChild.start(program);
  const relay = await startRelay(pool.port, random);
  const proxy = await ProxyChild.start(program, relay.url, env);
  const harvests = setInterval(() => void pool.harvest(checker), harvestEveryMs);
  let phasesOver = 0;
  let stopping = new AbortController();
  let over = Promise.resolve();

  // An interrupted phase runs again.
  const rotate = async (list: readonly Phase[], phaseMs: number, stop: AbortSignal) => {
    while (!stop.aborted) {
      const phase = list[phasesOver % list.length];
      if (phase === undefined) return;
      const endsAtMs = performance.now() + phaseMs;
      await begin(phase, relay, pool);
      const leftMs = Math.max(0, endsAtMs - performance.now());
      const isCutShort = await delay(leftMs, false, { signal: stop }).catch(() => true);
      await end(relay, pool);
      if (!isCutShort) phasesOver += 1;
    }
  };
  return {
    proxy,
    relay,
    pool,
    phasesOver: () => phasesOver,
    harm(list, phaseMs) {
      stopping = new AbortController();
      over = rotate(list, phaseMs, stopping.signal);
    },
    async calm() {
      stopping.abort();
      await over;
    },
    async finish() {
      clearInterval(harvests);
      await pool.harvest(checker);
    },
    async cpuSeconds() {
      const { user, system } = process.cpuUsage();
      const micros = {
        callers: user + system,
        proxy: await proxy.child.ask<number>('cpuMicros'),
        pool: await pool.child.ask<number>('cpuMicros'),
      };
      return Object.fromEntries(
        Object.entries(micros).map(([who, used]) => [who, Math.round(used / 1e6)]),
      );
    },
  };
}

async function begin(phase: Phase, relay: Relay, { child }: PoolChild): Promise<void> {
  if (phase.relay !== undefined) relay.poison(phase.relay.toxic, phase.relay.share);
  if (phase.pool !== undefined) await child.ask('harm', phase.pool);
  if (phase.limit !== undefined) await child.ask('limit', phase.limit);
  if (phase.refusesMs !== undefined) await relay.close();
  if (phase.resetAll === true) relay.resetAll();
  if (phase.refusesMs !== undefined) {
    await delay(phase.refusesMs);
    await relay.open();
  }
  if (phase.standsStillMs !== undefined) {
    child.process.kill('SIGSTOP');
    await delay(phase.standsStillMs);
    child.process.kill('SIGCONT');
  }
}

async function end(relay: Relay, { child }: PoolChild): Promise<void> {
  relay.heal();
  await child.ask('calm');
  await child.ask('limit', usualLimit);
}
