/**
 * How long routes take, by route template: learnt from the 2xx answers to calls that travelled alone
 * and, as an upper bound, from those to batches. Bounded; a route that was never answered 2xx is not
 * kept, so that bad tokens push nothing out.
 */
import { routeTemplate } from '../../ucwa/protocol.ts';
import type { Arrival } from '../state.ts';
import { RouteTime } from '../estimators/route-latency.ts';

const maxRoutes = 512;

export class RouteTimes {
  readonly #lanes = new Lanes();
  readonly #routes = new Map<string, RouteTime>();
  #answers = 0;

  /** What most calls take; `undefined`: not known yet. */
  get usualMs(): number | undefined {
    return this.#lanes.usualMs;
  }

  /** What is known of the route of that call. */
  of(arrival: Pick<Arrival<unknown>, 'callClass' | 'method' | 'resource' | 'key'>): RouteTime {
    const path = arrival.resource.slice(arrival.key.applicationPath.length);
    const template = routeTemplate(path);
    const name = arrival.callClass === 'safe' ? template : `${arrival.method} ${template}`;
    return this.#routes.get(name) ?? new RouteTime(name);
  }

  /** A call of that route was answered 2xx so long after it had left. */
  answered(asked: RouteTime, tookMs: number): void {
    const { name } = asked;
    const known = this.#routes.get(name);
    const route = known ?? asked;
    if (known === undefined) {
      if (this.#routes.size >= maxRoutes) this.#forgetOldest();
      this.#routes.set(name, route);
    }
    this.#answers += 1;
    route.lastAnswer = this.#answers;
    route.add(tookMs);
    this.#lanes.judge(route);
  }

  /** Who was not heard of for longest; rare, so that nothing is kept in order for it. */
  #forgetOldest(): void {
    let oldest: RouteTime | undefined;
    for (const route of this.#routes.values()) {
      if (oldest === undefined || route.lastAnswer < oldest.lastAnswer) oldest = route;
    }
    if (oldest !== undefined) this.#routes.delete(oldest.name);
  }
}

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

/**
 * Lanes: a route that takes much longer than the others is kept out of their batches, where all
 * would wait for it. Each split costs savings, so it must be proved: against what most calls take,
 * by as many answers as are kept of a route. Calls of routes that nobody knows ride with the others.
 */
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
