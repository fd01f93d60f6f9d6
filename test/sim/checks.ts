/** What must hold after the calls of a run, and after the end of the proxy. */
import type { Simulator } from '../../src/simulator/simulator.ts';
import type { Checker } from '../failures/chaos/checker.ts';
import { sumOf } from '../failures/chaos/end-checks.ts';
import type { World } from './install.ts';
import { readMetricsOfProcess } from './metrics-of-process.ts';
import type { RunSettings } from './random-settings.ts';
import type { WriteOrder } from './write-order.ts';

/** Polls at a time: one of each user, and those whose callers have just left. */
const maxPolls = 12;

const gauges = [
  ...['held_calls', 'outstanding_calls', 'long_polls', 'users{state="active"}'],
  ...['connections{side="client"}', 'connections{side="upstream"}', 'bound_connections'],
];

export class Checks {
  readonly #world: World;
  readonly #settings: RunSettings;
  readonly #pool: Simulator;
  readonly #report: (violation: string) => void;
  #executions = 0;

  constructor(
    world: World,
    settings: RunSettings,
    pool: Simulator,
    report: (violation: string) => void,
  ) {
    this.#world = world;
    this.#settings = settings;
    this.#pool = pool;
    this.#report = report;
  }

  /** Compares what the pool ran with what the callers learned. */
  ran(checker: Checker, order: WriteOrder): void {
    const entries = this.#pool.ledger.entries().filter(({ nonce }) => nonce !== undefined);
    this.#executions = entries.length;
    checker.ran({
      nonces: entries.map(({ nonce }) => nonce ?? ''),
      users: entries.map(({ user }) => user ?? ''),
    });
    const calls = entries.map(({ nonce }) => Number(nonce?.slice(1)));
    for (const what of order.violations(calls)) this.#report(what);
  }

  /** All gauges are 0 while no call is under way. */
  async atRest(): Promise<void> {
    const metrics = await readMetricsOfProcess();
    for (const name of gauges) {
      const value = metrics.get(`ucwa_proxy_${name}`) ?? NaN;
      if (value !== 0) this.#report(`${name} is ${value} at rest`);
    }
  }

  /**
   * The metrics agree with what callers and pool have counted.
   *
   * @returns the number of parts of batches
   */
  async metrics(checker: Checker, statuses: ReadonlyMap<number, number>): Promise<number> {
    const metrics = await readMetricsOfProcess();
    const { left, brokenOff } = checker.counts();
    const calls = sumOf(metrics, 'calls_total');
    const over = calls + sumOf(metrics, 'client_aborts_total');
    const missing = left + brokenOff;
    // A caller that leaves at once, or whose connection fails, may be gone before the proxy has read its call.
    if (over > checker.issued || over < checker.issued - missing) {
      this.#report(`the metrics count ${over} calls of ${checker.issued}, ${missing} left`);
    }
    for (const [status, seen] of statuses) {
      const counted = sumOf(metrics, 'calls_total', `code="${status}"`);
      if (counted < seen || counted > seen + missing) {
        this.#report(`the metrics count ${counted} answers ${status}, and callers ${seen}`);
      }
    }
    const sent = sumOf(metrics, 'batch_parts_count');
    const ended = sumOf(metrics, 'upstream_duration_seconds_count', 'kind="batch"');
    if (sent !== ended) this.#report(`${sent} batches were sent, and ${ended} have ended`);
    // A batch of GETs may move to another server.
    const { batches } = this.#pool.stats();
    if (batches > sent && this.#pool.servers.length === 1)
      this.#report(`the pool got ${batches} batches, the metrics count ${sent}`);
    const broken = sumOf(metrics, 'invariant_violations_total');
    if (broken !== 0) this.#report(`${broken} violations of invariants`);
    return sumOf(metrics, 'batch_parts_sum');
  }

  /** Watches the limit for connections to the pool during the run. */
  watchConnections(): void {
    const { maxConnections } = this.#settings;
    // Batches and single calls, pass-through, and large bodies have connections of their own. So have polls, without a
    // limit: those that have sent a poll do not count, and each user opens one at a time.
    const most = 2 * maxConnections + Math.ceil(maxConnections / 4) + maxPolls;
    const { network } = this.#world;
    this.#world.network.onOpened = (port) => {
      const ports = this.#pool.servers.map((server) => server.port);
      if (!ports.includes(port)) return;
      const open = ports.reduce((sum, one) => sum + network.openTo(one).filter(isNoPoll).length, 0);
      if (open > most) this.#report(`${open} connections to the pool, at most ${most} may be`);
    };
  }

  /** After the end of the proxy and of the pool nothing is left. */
  nothingLeft(): void {
    const { network, timers } = this.#world;
    for (const { id, port } of network.open) {
      this.#report(`connection ${id} to port ${port} is open after the end`);
    }
    for (const port of network.listeningPorts) this.#report(`port ${port} listens after the end`);
    for (const timer of timers.list()) this.#report(`left after the end: ${timer}`);
  }

  /** The log has no error of the proxy itself. */
  logLines(lines: readonly string[]): void {
    for (const line of lines) {
      if (line.includes('internal error') || line.includes('withheld')) this.#report(line);
    }
    if (this.#executions === 0) this.#report('the pool ran nothing');
  }
}

function isNoPoll({ beginning }: { readonly beginning: string }): boolean {
  return !/^GET \S*\/events\b/.test(beginning);
}
