/**
 * The proof that batches change nothing: comparisons with direct answers (`batching.verify`), and with users without
 * batches (`batching.share`). Routes that fare worse in batches leave them, in all pools.
 */
import { Holdout, holdoutCells, holdoutSentence } from '../core/holdout/holdout.ts';
import type { Comparison } from '../core/parity/comparison.ts';
import { Parity } from '../core/parity/parity.ts';
import { LeftRoutes, type LeaveReason } from '../core/schedule/slow/unbatched-routes.ts';
import { type Clock, systemClock } from '../engine/clock.ts';
import type { Engine } from '../engine/engine.ts';
import type { ListenObserver } from '../listen/observer.ts';
import type { Log } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { ParitySource } from '../metrics/parity-metrics.ts';
import { holdoutCallOf, measuredSend } from '../parity/holdout-meter.ts';
import { Verifier } from '../parity/verifier.ts';
import type { ServeSettings } from '../settings/load-settings.ts';
import type { Upstream } from '../upstream/exchange.ts';
import type { LiveSettings } from './live-settings.ts';

type Batching = ServeSettings['batching'];

/** Whether answers of batches are compared with direct ones. */
export function verifies({ verify, mode }: Batching): boolean {
  return verify > 0 && mode !== 'off' && mode !== 'shadow';
}

const holdsOut = ({ share }: Batching): boolean => share < 1;

export class Proof {
  readonly #live: LiveSettings;
  readonly #metrics: Pick<Metrics, 'parity'>;
  readonly #log: Pick<Log, 'info' | 'warn'>;
  readonly #parity = new Parity();
  readonly #routes = new LeftRoutes();
  /** `undefined` while all users have batches. */
  #holdout: Holdout | undefined;
  #share = 1;
  #wasProved = false;
  readonly #clock: Clock;

  constructor(
    live: LiveSettings,
    metrics: Pick<Metrics, 'parity'>,
    log: Pick<Log, 'info' | 'warn'>,
    clock: Clock = systemClock,
  ) {
    this.#clock = clock;
    this.#live = live;
    this.#metrics = metrics;
    this.#log = log;
    this.#shareChanged(live.current.batching);
    live.onChange(() => this.#shareChanged(live.current.batching));
  }

  /** The routes that leave batches; `undefined` if nothing judges them. */
  routesFor(batching: Batching): LeftRoutes | undefined {
    return verifies(batching) || holdsOut(batching) ? this.#routes : undefined;
  }

  createVerifier(engine: Engine): Verifier {
    return new Verifier({
      clock: this.#clock,
      engine,
      random: Math.random,
      settings: this.#live.derived(({ batching: { verify } }) => ({ verify })),
      compared: (route, comparison) => this.#compared(route, comparison),
      skipped: () => this.#metrics.parity.skipped(),
      asked: () => this.#metrics.parity.asked(),
    });
  }

  /** Returns the upstream, which counts its requests while the settings hold users out. */
  measured(upstream: Upstream): Upstream {
    const send = upstream.send.bind(upstream);
    const meter = {
      requested: (point: number) => this.#holdout?.requested(point),
      transferred: (point: number, bytes: number) => this.#holdout?.transferred(point, bytes),
    };
    const counted = measuredSend(send, meter);
    return this.#live.derived(({ batching }) => ({
      ...upstream,
      send: holdsOut(batching) ? counted : send,
    }));
  }

  /** Returns the observer, which also tells the holdout about calls while there is one. */
  observer<O extends Pick<ListenObserver, 'finished'>>(observer: O): O {
    const { finished } = observer;
    const observed: ListenObserver['finished'] = (call) => {
      finished(call);
      const known = holdoutCallOf(call);
      const { lingerMaxMs } = this.#live.current.batching;
      const reason = known && this.#holdout?.answered(known, lingerMaxMs);
      if (known !== undefined && reason !== undefined) this.#leave(known.route, reason, {});
    };
    return this.#live.derived(({ batching }) => ({
      ...observer,
      finished: holdsOut(batching) ? observed : finished,
    }));
  }

  /** For metrics. */
  get source(): ParitySource {
    const [parity, routes, clock] = [this.#parity, this.#routes, this.#clock];
    return {
      get compared() {
        return parity.compared;
      },
      get upperBound() {
        return parity.upperBound;
      },
      unbatched: (wanted) =>
        routes.current(clock.now()).filter(({ reason }) => reason === wanted).length,
    };
  }

  get holdout(): Holdout | undefined {
    return this.#holdout;
  }

  /** The parts of the answer of `/config`; empty if nothing is compared. */
  report(): object {
    const { batching } = this.#live.current;
    const nowMs = this.#clock.now();
    const table = this.#holdout?.table();
    return {
      ...(verifies(batching) && {
        parity: {
          sentence: this.#parity.sentence,
          compared: this.#parity.compared,
          upperBound: this.#parity.upperBound,
          routes: this.#parity.routes(),
        },
      }),
      ...(table !== undefined && { holdout: { sentence: holdoutSentence(table), table } }),
      ...(this.routesFor(batching) !== undefined && {
        unbatchedRoutes: this.#routes
          .current(nowMs)
          .map(({ route, reason, untilMs }) => ({ route, reason, until: this.#dateOf(untilMs) })),
      }),
    };
  }

  /** Returns the sentence, the table and the left routes for the page of the admin port. */
  shown(): object {
    const { batching } = this.#live.current;
    return {
      parity: verifies(batching) ? this.#parity.sentence : '',
      holdout: this.#holdout === undefined ? [] : holdoutCells(this.#holdout.table()),
      unbatched: this.#routes
        .current(this.#clock.now())
        .map(({ route, reason }) => [route, reason]),
    };
  }

  /** Logs what is known. To be called from time to time. */
  summarize(): void {
    const { batching } = this.#live.current;
    if (verifies(batching)) this.#log.info(`parity: ${this.#parity.sentence}`);
    if (this.#holdout !== undefined)
      this.#log.info(`holdout: ${holdoutSentence(this.#holdout.table())}`);
  }

  /** Reports the routes that are tried again. To be called every second. */
  check(): void {
    for (const { route, reason } of this.#routes.takeReturned(this.#clock.now())) {
      this.#changed(route);
      this.#log.info('a route that had left batches is tried again', { route, reason });
    }
  }

  #compared(route: string, comparison: Comparison): void {
    // The route may have left while the last of its comparisons were under way.
    if (this.#routes.isUnbatched(route, this.#clock.now())) return;
    this.#metrics.parity.compared(comparison);
    if (this.#parity.add(route, comparison)) {
      this.#leave(route, 'differs', { kinds: comparison.kinds.join(' ') });
    }
    const { isProved } = this.#parity;
    if (isProved && !this.#wasProved) this.#log.info(`parity: ${this.#parity.sentence}`);
    this.#wasProved = isProved;
  }

  #leave(route: string, reason: LeaveReason, facts: Readonly<Record<string, string>>): void {
    const nowMs = this.#clock.now();
    if (this.#routes.isUnbatched(route, nowMs)) return;
    const { untilMs } = this.#routes.leave(route, reason, nowMs);
    this.#changed(route);
    this.#log.warn('a route leaves batches, because its calls fare worse there', {
      ...{ route, reason, ...facts, until: this.#dateOf(untilMs) },
    });
  }

  #changed(route: string): void {
    this.#parity.changed(route);
    this.#holdout?.changed(route);
  }

  #shareChanged(batching: Batching): void {
    if (batching.share === this.#share) return;
    this.#share = batching.share;
    this.#holdout = holdsOut(batching) ? new Holdout(batching.share) : undefined;
  }

  /** @param atMs a time of the clock */
  #dateOf(atMs: number): string {
    return new Date(Date.now() + atMs - this.#clock.now()).toISOString();
  }
}
