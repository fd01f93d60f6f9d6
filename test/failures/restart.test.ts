/**
 * Three instances of the installed program behind a real HAProxy, configured by the project's
 * recipe.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect } from '@jest/globals';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { startBalancer } from '../cluster/support/balancers.ts';
import { until } from '../cluster/support/processes.ts';
import { onCleanup } from '../support/cleanup.ts';
import { freePort } from '../support/free-port.js';
import { startPool } from '../support/pool.ts';
import { Program, type Started } from '../support/program.ts';
import { onlyWith } from '../support/real-parts.ts';
import { UcwaClient } from '../support/ucwa-client.ts';

const testWithHaproxy = onlyWith('haproxy');
const callsPerSecond = 300;
const users = 60;
const polls = 12;
const maxRunning = 300;
const drainTimeoutMs = 8000;
/** The default of the setting. */
const drainDelayMs = 1000;

let program: Program;
beforeAll(() => {
  program = Program.install();
});
afterAll(() => program.remove());

interface Made {
  readonly nonce: string;
  readonly user: number;
  readonly isWrite: boolean;
  readonly startedAtMs: number;
  /** Undefined until the call ends. */
  outcome: string | undefined;
}

/** One instance with its own pool. The pool's ledger records the calls that this instance sent. */
class Instance {
  readonly pool: Simulator;
  readonly port: number;
  readonly adminPort: number;
  #started: Started | undefined;

  static async start(): Promise<Instance> {
    const instance = new Instance(
      await startPool({ latency: 100 }),
      await freePort(),
      await freePort(),
    );
    await instance.start();
    return instance;
  }

  private constructor(pool: Simulator, port: number, adminPort: number) {
    this.pool = pool;
    this.port = port;
    this.adminPort = adminPort;
  }

  async start(): Promise<void> {
    this.#started = await program.start(
      /"msg":"serving"/,
      [
        ...['serve', '--upstream', this.pool.url, '--listen', `127.0.0.1:${this.port}`],
        ...['--admin', `127.0.0.1:${this.adminPort}`],
      ],
      { env: { UCWA_PROXY_DRAIN_TIMEOUT_MS: String(drainTimeoutMs) } },
    );
  }

  /** @returns the exit code, or null if the process was killed */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    if (this.#started === undefined) throw new Error('not started');
    this.#started.child.kill(signal);
    return this.#started.exited;
  }

  /** Resolves when calls reach the instance. */
  async untilCalled(): Promise<void> {
    const before = this.pool.stats().requests;
    await until(
      () => this.pool.stats().requests,
      (requests) => requests > before,
    );
  }
}

/** All users call, evenly over time, until `stop`. */
class Traffic {
  readonly made: Made[] = [];
  readonly pollStatuses: number[] = [];
  readonly #client: UcwaClient;
  readonly #startedAtMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #running = new Set<Promise<void>>();
  #stopped = false;
  #skipped = 0;

  constructor(url: string) {
    this.#client = new UcwaClient(url);
    this.#timer = setInterval(() => this.#callSome(), 10);
    onCleanup(() => clearInterval(this.#timer));
    for (let user = 0; user < polls; user += 1) void this.#poll(user);
  }

  /** Resolves when each user has an answer. */
  async untilAllAnswered(): Promise<void> {
    const answered = () =>
      new Set(this.made.flatMap(({ user, outcome }) => (outcome === 'answered' ? [user] : [])));
    await until(answered, ({ size }) => size === users);
  }

  /** Resolves when all calls have ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await Promise.all(this.#running);
  }

  #callSome(): void {
    const due = ((performance.now() - this.#startedAtMs) * callsPerSecond) / 1000 - this.#skipped;
    for (let made = this.made.length; made < due; made += 1) {
      // A slow machine skips calls, so that it does not fall further and further behind.
      if (this.#running.size >= maxRunning) {
        this.#skipped += due - made;
        return;
      }
      const call = this.#call(this.made.length);
      this.#running.add(call);
      void call.then(() => this.#running.delete(call));
    }
  }

  async #call(number: number): Promise<void> {
    const nonce = `n${number}`;
    const isWrite = number % 3 === 0;
    const user = number % users;
    const one: Made = {
      ...{ nonce, user, isWrite, startedAtMs: performance.now(), outcome: undefined },
    };
    this.made.push(one);
    const path = isWrite ? `communication/conversations/${nonce}` : `me/note?n=${nonce}`;
    try {
      const { status, headers } = await this.#client.ask(`${applicationOf(user)}/${path}`, {
        method: isWrite ? 'DELETE' : 'GET',
        token: `cwt=sim-u${user}`,
        headers: { 'X-Nonce': nonce },
      });
      const isRight = headers['x-nonce'] === nonce && status === (isWrite ? 204 : 200);
      one.outcome = isRight ? 'answered' : `answered ${status}`;
    } catch (error) {
      one.outcome = (error as NodeJS.ErrnoException).code ?? 'failed';
    }
  }

  async #poll(user: number): Promise<void> {
    while (!this.#stopped) {
      const token = `cwt=sim-u${user}`;
      const asked = this.#client.ask(`${applicationOf(user)}/events?ack=1`, { token });
      const status = await asked.then(
        (answer) => answer.status,
        () => 0,
      );
      this.pollStatuses.push(status);
      // The time that `Retry-After` names.
      await delay(1000);
    }
  }
}

function applicationOf(user: number): string {
  return `/ucwa/oauth/v1/applications/${2000 + user}`;
}

async function threeUnderTraffic() {
  const instances = [await Instance.start(), await Instance.start(), await Instance.start()];
  const traffic = new Traffic(await startBalancer('haproxy', instances));
  await traffic.untilAllAnswered();
  const runs = (nonce: string): number =>
    instances.reduce((sum, { pool }) => sum + pool.ledger.executions(nonce).length, 0);
  return { instances, traffic, runs };
}

testWithHaproxy(
  'each of three instances restarts in turn: no call fails, none runs twice, and each exits with 0 in time',
  async () => {
    const { instances, traffic, runs } = await threeUnderTraffic();
    for (const instance of instances) {
      const stoppedAtMs = performance.now();
      expect(await instance.end('SIGTERM')).toBe(0);
      const tookMs = performance.now() - stoppedAtMs;
      expect(tookMs).toBeLessThan(drainDelayMs + drainTimeoutMs + 1000);
      await instance.start();
      await instance.untilCalled();
    }
    await traffic.stop();
    const { made, pollStatuses } = traffic;
    expect(made.filter(({ outcome }) => outcome !== 'answered')).toEqual([]);
    expect(made.filter(({ nonce, isWrite }) => isWrite && runs(nonce) !== 1)).toEqual([]);
    expect(made.filter(({ nonce }) => runs(nonce) === 0)).toEqual([]);
    // A draining instance ends its polls, and another instance takes them up.
    expect(new Set(pollStatuses)).toEqual(new Set([200, 503]));
  },
);

testWithHaproxy(
  'one of three instances is killed: only calls in flight there fail, and none runs twice',
  async () => {
    const { instances, traffic, runs } = await threeUnderTraffic();
    const [, victim] = instances;
    if (victim === undefined) throw new Error('no instance');
    await victim.end('SIGKILL');
    const goneAtMs = performance.now();
    const ofVictim = new Set(victim.pool.ledger.entries().map(({ application }) => application));
    await delay(3000);
    await traffic.stop();
    const { made } = traffic;
    const failed = made.filter(({ outcome }) => outcome !== 'answered');
    // Without a failed call the test would show nothing.
    expect(failed).not.toEqual([]);
    for (const one of failed) {
      expect([one, ofVictim.has(String(2000 + one.user))]).toEqual([one, true]);
      expect([one, one.startedAtMs < goneAtMs]).toEqual([one, true]);
    }
    expect(made.filter(({ nonce, isWrite }) => isWrite && runs(nonce) > 1)).toEqual([]);
    const answered = made.filter(({ outcome }) => outcome === 'answered');
    expect(answered.filter(({ nonce }) => runs(nonce) === 0)).toEqual([]);
    const later = made.filter(({ startedAtMs }) => startedAtMs > goneAtMs);
    expect(later.length).toBeGreaterThan(callsPerSecond);
  },
);
