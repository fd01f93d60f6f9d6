/** One run: a pool, the whole proxy and its callers, with random settings, while failures happen at random. */
import { setTimeout as delay } from 'node:timers/promises';
import { startApp, type App } from '../../src/app/app.ts';
import { createLog } from '../../src/log/log.ts';
import { loadServeSettings } from '../../src/settings/load-settings.ts';
import { mulberry32 } from '../../src/simulator/pool/prng.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { Checker } from '../failures/chaos/checker.ts';
import { Caller, type CallerParts } from './caller.ts';
import { EventLog } from './event-log.ts';
import { Checks } from './checks.ts';
import { type Harm, planConnection, poolRules, randomHarm } from './harm.ts';
import type { World } from './install.ts';
import { Choice } from './random-choice.ts';
import { randomSettings, type RunSettings } from './random-settings.ts';
import { WriteOrder } from './write-order.ts';

export interface RunResult {
  readonly seed: number;
  readonly calls: number;
  /** Calls that travelled in batches. */
  readonly batched: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly violations: readonly string[];
  readonly hash: string;
  readonly virtualMs: number;
  readonly tasks: number;
  readonly log: EventLog;
}

/** Time in which the proxy forgets the pauses and the slow routes that it has learned from failures. */
const recoveryMs = 60_000;
const afterEndMs = 60_000;

export async function runOne(world: World, seed: number, scale: number): Promise<RunResult> {
  const { time, timers, randomness } = world;
  time.reset();
  const startMs = time.nowMs;
  timers.forget();
  randomness.reset(seed);
  const run = new Run(world, seed, scale);
  try {
    await time.run(() => run.play());
  } catch (error) {
    run.checker.violation(error instanceof Error ? (error.stack ?? '') : String(error));
  }
  const { log, checker, faults } = run;
  const violations = [...checker.violations(), ...run.late];
  return {
    seed,
    calls: checker.issued,
    batched: run.batched,
    faults: Object.fromEntries(faults),
    violations,
    virtualMs: Math.round(time.nowMs - startMs),
    tasks: time.tasks,
    hash: log.digest(),
    log,
  };
}

class Run {
  readonly checker = new Checker();
  readonly log = new EventLog();
  readonly faults = new Map<string, number>();
  batched = 0;
  /** Violations that are found after the calls. */
  readonly late: string[] = [];
  readonly #world: World;
  readonly #seed: number;
  readonly #scale: number;
  readonly #choose: Choice;
  readonly #settings: RunSettings;
  readonly #order = new WriteOrder();
  readonly #statuses = new Map<number, number>();
  readonly #lines: string[] = [];
  /** The larger it is, the fewer callers of a user have its second address. */
  #addresses = 1;
  /** Harm to the connections to each port. */
  readonly #harm = new Map<number, Harm>();

  constructor(world: World, seed: number, scale: number) {
    this.#world = world;
    this.#seed = seed;
    this.#scale = scale;
    this.#choose = new Choice(mulberry32(seed));
    this.#settings = randomSettings(this.#choose);
    const connections = new Choice(mulberry32(seed ^ 0x5bd1e995));
    world.network.reset({
      random: connections.random,
      log: this.log,
      connection: (port) => planConnection(connections, this.#harm.get(port)),
      failed: (_port, failure) => this.#count(failure),
    });
    this.log.add(JSON.stringify(this.#settings));
  }

  async play(): Promise<void> {
    const choose = this.#choose;
    const pool = await startSimulator({
      seed: this.#seed,
      latency: (_route, random) => 1 + random() * 30 + (random() < 0.02 ? random() * 500 : 0),
      limit: choose.of([5, 12, 40, 100]),
      applications: 'any',
      streamParts: choose.chance(0.3),
      compress: false,
    });
    const app = await this.#start(pool.url);
    const checks = new Checks(this.#world, this.#settings, pool, app, (what) =>
      this.late.push(what),
    );
    const { network, time } = this.#world;
    this.#harm.set(pool.port, randomHarm(choose, ['reset', 'end', 'vanish', 'stall'], 0.2));
    this.#harm.set(app.ports.listen, randomHarm(choose, ['reset', 'end', 'stall'], 0));
    const stalls = choose.of([0, 0, 0.0005]);
    const stallRandom = mulberry32(this.#seed ^ 0x1b873593);
    if (stalls > 0) time.stall = () => (stallRandom() < stalls ? this.#stall(stallRandom) : 0);
    const endPoolHarm = this.#harmPool(pool);

    this.#addresses = choose.of([1, 1, 1, 2, 3]);
    const users = choose.whole(1, 6);
    const callers = this.#callers(app.ports.listen, users, Math.round(choose.magnitude(1, 20)), {
      leaveShare: choose.of([0, 0.02, 0.1]),
      maxPauseMs: choose.magnitude(2, 200),
      maxAnswerMs: this.#longestAnswerMs,
    });
    const most = Math.round(choose.magnitude(100, 1000) * this.#scale);
    checks.watchConnections();
    await Promise.all(callers.map((one) => one.run(() => this.checker.issued < most)));

    endPoolHarm();
    this.#harm.clear();
    network.heal();
    time.stall = () => 0;
    for (const one of callers) one.disconnect();
    await delay(recoveryMs);
    await this.#probe(app.ports.listen, users);
    await delay(recoveryMs);
    checks.ran(this.checker, this.#order);
    // The page of the metrics has figures of the real process, such as its memory. So the log ends here.
    this.log.end();
    this.batched = await checks.metrics(this.checker, this.#statuses);
    await app.stop();
    await pool.stop();
    await delay(afterEndMs);
    checks.nothingLeft();
    checks.logLines(this.#lines);
  }

  get #longestAnswerMs(): number {
    const { timeoutMs, passThroughIdleMs } = this.#settings;
    return 2 * (timeoutMs + passThroughIdleMs) + 20_000;
  }

  async #start(poolUrl: string): Promise<App> {
    const loaded = loadServeSettings({
      flags: { upstream: poolUrl, listen: '127.0.0.1:0', admin: '127.0.0.1:0' },
      env: { ...this.#settings.env },
      readFile: () => '',
    });
    if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
    const log = createLog(
      { ...loaded.settings.log, userHashKey: Buffer.from('key of the simulation') },
      { write: (line: string) => void this.#lines.push(line) },
    );
    return startApp(loaded.settings, { log, version: '0.0.0-sim' });
  }

  #callers(
    port: number,
    users: number,
    callersPerUser: number,
    own: Pick<CallerParts, 'leaveShare' | 'maxPauseMs' | 'maxAnswerMs'>,
  ): Caller[] {
    const parts: CallerParts = {
      ...own,
      network: this.#world.network,
      port,
      checker: this.checker,
      order: this.#order,
      log: this.log,
      random: this.#choose.random,
      answered: (status) => this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1),
    };
    return Array.from(
      { length: users * callersPerUser },
      (_, i) => new Caller(i % users, i % (users * this.#addresses) < users ? 1 : 2, parts),
    );
  }

  /** Adds a random rule of failure at random times. */
  #harmPool(pool: Simulator): () => void {
    const choose = this.#choose;
    const everyMs = choose.of([undefined, 500, 100, 30]);
    if (everyMs === undefined) return () => undefined;
    const timer = setInterval(() => {
      pool.faults.clear();
      const rule = choose.of(poolRules);
      pool.faults.add(rule);
      this.#count('fault of the pool');
      if (choose.chance(0.05)) pool.setLimit(choose.of([3, 5, 12, 40, 100]));
    }, everyMs);
    return () => {
      clearInterval(timer);
      pool.faults.clear();
      pool.setLimit(100);
    };
  }

  /** Without harm each user gets all answers. A lost permit would let calls wait until their deadline. */
  async #probe(port: number, users: number): Promise<void> {
    const before = this.checker.counts();
    const callers = this.#callers(port, users, 4, {
      leaveShare: 0,
      maxPauseMs: 20,
      maxAnswerMs: 5000,
    });
    const most = this.checker.issued + users * 20;
    await Promise.all(callers.map((one) => one.run(() => this.checker.issued < most)));
    for (const one of callers) one.disconnect();
    const after = this.checker.counts();
    const answered = after.answered - before.answered;
    if (answered < users * 20) {
      this.late.push(`without harm only ${answered} of ${users * 20} calls were answered`);
    }
  }

  #stall(random: () => number): number {
    this.#count('stall of the event loop');
    return 20 + random() * 300;
  }

  #count(fault: string): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
  }
}
