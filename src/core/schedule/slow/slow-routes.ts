/**
 * How long routes take, by route template: learnt from the 2xx answers to calls that travelled alone
 * and, as an upper bound, from those to batches. Bounded; a route that was never answered 2xx is not
 * kept, so that bad tokens push nothing out.
 */
import { routeTemplate } from '../../ucwa/route-template.ts';
import type { Arrival } from '../state.ts';
import { Lanes } from './lanes.ts';
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
