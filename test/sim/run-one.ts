/** One run: a pool, the whole proxy and its callers, with random settings, while failures happen at random. */
import { setTimeout as delay } from 'node:timers/promises';
import type { App } from '../../src/app/app.ts';
import { mulberry32 } from '../../src/simulator/pool/prng.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { planCall } from '../failures/chaos/calls.ts';
import { Checker } from '../failures/chaos/checker.ts';
import { Caller, type CallerParts } from './caller.ts';
import { EventLog } from './event-log.ts';
import { Checks } from './checks.ts';
import { type Harm, harmPool, harmServers, planConnection, randomHarm } from './harm.ts';
import type { World } from './install.ts';
import { planPoll } from './poll.ts';
import { Choice } from './random-choice.ts';
import { randomSettings, type RunSettings } from './random-settings.ts';
import { startProxy } from './start-proxy.ts';
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

export async function runOne(world: World, seed: number): Promise<RunResult> {
  const { time, timers, randomness } = world;
  time.reset();
  const startMs = time.nowMs;
  timers.forget();
  randomness.reset(seed);
  const run = new Run(world, seed);
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
  readonly #choose: Choice;
  readonly #settings: RunSettings;
  readonly #order = new WriteOrder();
  readonly #statuses = new Map<number, number>();
  readonly #lines: string[] = [];
  /** The larger it is, the fewer callers of a user have its second address. */
  #addresses = 1;
  #port = 0;
  #users = 1;
  /** Whether the proxy may close connections, because it stops. */
  #isStopping = false;
  /** Harm to the connections to each port. */
  readonly #harm = new Map<number, Harm>();

  constructor(world: World, seed: number) {
    this.#world = world;
    this.#seed = seed;
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
      servers: choose.of([1, 1, 1, 2, 3]),
      eventSecondMs: choose.of([2, 20]),
    });
    const app = await startProxy(
      pool.servers.map(({ url }) => url),
      this.#settings.env,
      (line) => this.#lines.push(line),
    );
    this.#port = app.ports.listen;
    this.#users = choose.whole(1, 6);
    const checks = new Checks(this.#world, this.#settings, pool, (what) => this.late.push(what));
    await this.#harmed(pool, checks);
    await delay(recoveryMs);
    await this.#probe();
    await delay(recoveryMs);
    await checks.atRest();
    await this.#stop(app);
    await pool.stop();
    await delay(afterEndMs);
    checks.ran(this.checker, this.#order);
    this.batched = await checks.metrics(this.checker, this.#statuses);
    checks.nothingLeft();
    checks.logLines(this.#lines);
  }

  /** Calls, while failures happen. */
  async #harmed(pool: Simulator, checks: Checks): Promise<void> {
    const choose = this.#choose;
    const { network, time } = this.#world;
    const toPool = randomHarm(choose, ['reset', 'end', 'vanish', 'stall'], 0.2);
    for (const { port } of pool.servers) this.#harm.set(port, toPool);
    this.#harm.set(this.#port, randomHarm(choose, ['reset', 'end', 'stall'], 0));
    const stalls = choose.of([0, 0, 0.0005]);
    const stallRandom = mulberry32(this.#seed ^ 0x1b873593);
    if (stalls > 0) time.stall = () => (stallRandom() < stalls ? this.#stall(stallRandom) : 0);
    const count = (fault: string): void => this.#count(fault);
    const ends = [harmPool(choose, pool, count), harmServers(choose, pool.servers, count)];

    this.#addresses = choose.of([1, 1, 1, 2, 3]);
    const own = {
      leaveShare: choose.of([0, 0.02, 0.1]),
      maxPauseMs: choose.magnitude(2, 200),
      maxAnswerMs: this.#longestAnswerMs,
    };
    const callers = this.#callers(Math.round(choose.magnitude(1, 20)), own);
    const pollers = choose.chance(0.5) ? this.#callers(1, { ...own, plan: planPoll }) : [];
    const most = Math.round(choose.magnitude(100, 1000));
    checks.watchConnections();
    let isOver = false;
    const polls = pollers.map((one) => one.run(() => !isOver));
    await Promise.all(callers.map((one) => one.run(() => this.checker.issued < most)));
    isOver = true;
    for (const one of pollers) one.leave();
    await Promise.all(polls);

    for (const end of ends) await end();
    this.#harm.clear();
    network.heal();
    time.stall = () => 0;
    for (const one of [...callers, ...pollers]) one.disconnect();
  }

  get #longestAnswerMs(): number {
    const { timeoutMs, passThroughIdleMs } = this.#settings;
    return 2 * (timeoutMs + passThroughIdleMs) + 20_000;
  }

  #callers(
    each: number,
    own: Pick<CallerParts, 'leaveShare' | 'maxPauseMs' | 'maxAnswerMs'> & Partial<CallerParts>,
  ): Caller[] {
    const parts: CallerParts = {
      plan: planCall,
      isStopping: () => this.#isStopping,
      network: this.#world.network,
      port: this.#port,
      checker: this.checker,
      order: this.#order,
      log: this.log,
      random: this.#choose.random,
      answered: (status) => this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1),
      ...own,
    };
    const users = this.#users;
    return Array.from(
      { length: users * each },
      (_, i) => new Caller(i % users, i % (users * this.#addresses) < users ? 1 : 2, parts),
    );
  }

  /** Without harm each user gets all answers. A lost permit would let calls wait until their deadline. */
  async #probe(): Promise<void> {
    const before = this.checker.counts();
    const callers = this.#callers(4, { leaveShare: 0, maxPauseMs: 20, maxAnswerMs: 5000 });
    const probes = this.#users * 20;
    const most = this.checker.issued + probes;
    await Promise.all(callers.map((one) => one.run(() => this.checker.issued < most)));
    for (const one of callers) one.disconnect();
    const after = this.checker.counts();
    const answered = after.answered - before.answered;
    if (answered < probes) {
      this.late.push(`without harm only ${answered} of ${probes} calls were answered`);
    }
  }

  /** Stops the proxy while calls are under way. */
  async #stop(app: App): Promise<void> {
    const callers = this.#callers(this.#choose.whole(1, 4), {
      leaveShare: 0,
      maxPauseMs: 20,
      maxAnswerMs: this.#longestAnswerMs,
    });
    const most = this.checker.issued + this.#users * 20;
    const calls = callers.map((one) => one.run(() => this.checker.issued < most));
    await delay(this.#choose.whole(1, 100));
    this.#isStopping = true;
    await app.stop();
    await Promise.all(calls);
    for (const one of callers) one.disconnect();
  }

  #stall(random: () => number): number {
    this.#count('stall of the event loop');
    return 20 + random() * 300;
  }

  #count(fault: string): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
  }
}
