/**
 * The latency of each route template, learned from 2xx answers. The answer to a batch is an upper bound for
 * each of its calls. The number of routes is bounded. A route without a 2xx answer is not kept, so bad tokens
 * evict no route.
 */
import { routeTemplate } from '../../ucwa/protocol.ts';
import type { Arrival } from '../state.ts';
import { RouteLatency } from '../estimators/route-latency.ts';

const maxRoutes = 512;

export class SlowRoutes {
  readonly #lanes = new Lanes();
  readonly #routes = new Map<string, RouteLatency>();
  #answers = 0;

  /** The latency of most calls, in ms; `undefined` if not known yet. */
  get usualMs(): number | undefined {
    return this.#lanes.usualMs;
  }

  /** Returns the latency record of the route of a call. */
  of(arrival: Pick<Arrival<unknown>, 'callClass' | 'method' | 'resource' | 'key'>): RouteLatency {
    const path = arrival.resource.slice(arrival.key.applicationPath.length);
    const template = routeTemplate(path);
    const name = arrival.callClass === 'safe' ? template : `${arrival.method} ${template}`;
    return this.#routes.get(name) ?? new RouteLatency(name);
  }

  /**
   * Records that a call of the route was answered with 2xx.
   *
   * @param tookMs time from the dispatch of the call to its answer
   */
  answered(called: RouteLatency, tookMs: number): void {
    const { name } = called;
    const known = this.#routes.get(name);
    const route = known ?? called;
    if (known === undefined) {
      if (this.#routes.size >= maxRoutes) this.#forgetOldest();
      this.#routes.set(name, route);
    }
    this.#answers += 1;
    route.lastAnswer = this.#answers;
    route.add(tookMs);
    this.#lanes.update(route);
  }

  /** Forgets the route with the oldest last answer. This happens too rarely to justify a sorted structure. */
  #forgetOldest(): void {
    let oldest: RouteLatency | undefined;
    for (const route of this.#routes.values()) {
      if (oldest === undefined || route.lastAnswer < oldest.lastAnswer) oldest = route;
    }
    if (oldest !== undefined) this.#routes.delete(oldest.name);
  }
}

/**
 * A route becomes slow at `slowFrom` times the usual latency, and is no longer slow below `fastBelow` times.
 */
const slowFrom = 3;
const fastBelow = 2;
/** A route that is slower by less than this is not worth a lane, in ms. */
const leastMs = 20;
/** The number of answers of a route between two decisions about its lane. */
const updateEvery = 5;
const keptEstimates = 32;
/** The number of decisions between two computations of the usual latency. */
const usualEvery = 8;

/**
 * Lanes: a call of a route that is much slower than others is kept out of their batches, where all other
 * calls would wait for it. A lane costs savings, so it needs proof: the answers that are kept of a route must
 * be complete. Calls of unknown routes share batches with others.
 */
export class Lanes {
  /** Latencies of the routes that were examined last. A frequently called route occurs more often. */
  readonly #estimatesMs = new Float64Array(keptEstimates);
  #estimates = 0;
  #usualMs: number | undefined;

  get usualMs(): number | undefined {
    return this.#usualMs;
  }

  /** Decides after a new answer whether the route has a lane. */
  update(route: RouteLatency): void {
    if (!route.isKnown || route.answers % updateEvery !== 0) return;
    const { ownMs } = route;
    this.#remember(ownMs);
    if (this.#usualMs === undefined) return;
    const factor = route.isSlow ? fastBelow : slowFrom;
    route.isSlow = ownMs >= Math.max(this.#usualMs * factor, this.#usualMs + leastMs);
  }

  #remember(ownMs: number): void {
    this.#estimatesMs[this.#estimates % keptEstimates] = ownMs;
    this.#estimates += 1;
    if (this.#estimates < keptEstimates || this.#estimates % usualEvery !== 0) return;
    this.#usualMs = Float64Array.from(this.#estimatesMs).sort()[keptEstimates >> 1];
  }
}
