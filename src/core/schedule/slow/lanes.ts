/**
 * Lanes: a route that takes much longer than the others is kept out of their batches, where all
 * would wait for it. Each split costs savings, so it must be proved: against what most calls take,
 * by as many answers as are kept of a route. Calls of routes that nobody knows ride with the others.
 */
import type { RouteTime } from '../estimators/route-latency.ts';

/** Against what most calls take: from there a route is slow, and below there no longer. */
const slowFrom = 3;
const fastBelow = 2;
/** What is slower by less than this is not worth a lane. */
const leastMs = 20;
/** A route is judged once in so many of its answers. */
const judgedEvery = 5;
const keptEstimates = 32;
/** What most calls take is worked out once in so many judgements. */
const usualEvery = 8;

export class Lanes {
  /** What the routes took that were judged last; the more a route is called, the more of them. */
  readonly #estimatesMs = new Float64Array(keptEstimates);
  #estimates = 0;
  #usualMs: number | undefined;

  get usualMs(): number | undefined {
    return this.#usualMs;
  }

  /** The route has one more answer. */
  judge(route: RouteTime): void {
    if (!route.isKnown || route.answers % judgedEvery !== 0) return;
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
