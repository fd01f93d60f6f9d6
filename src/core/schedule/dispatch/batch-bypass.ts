/**
 * What must travel by itself: operations; in mode `off` all calls; for a while everything, where the
 * pool turns out to have no batch resource, and routes whose answers made a batch's too large.
 */
import { routeTemplate } from '../../ucwa/protocol.ts';
import type { Arrival, Call, User } from '../state.ts';
import type { Policy } from '../policy.ts';

const noBatchForMs = 60_000;
const largeForMs = 3_600_000;
const maxLargeRoutes = 256;

export class Singly<T> {
  readonly #mode: Policy['mode'];
  #poolUntilMs = -Infinity;
  #poolBatches = false;
  readonly #largeUntilMs = new Map<string, number>();

  constructor(mode: Policy['mode']) {
    this.#mode = mode;
  }

  mustGoAlone(user: User<T>, arrival: Arrival<T>, nowMs: number): boolean {
    if (this.#mode === 'off' || arrival.callClass === 'operation') return true;
    if (nowMs < this.#poolUntilMs || nowMs < user.singlyUntilMs) return true;
    if (this.#largeUntilMs.size === 0) return false;
    const untilMs = this.#largeUntilMs.get(routeTemplate(arrival.target));
    return untilMs !== undefined && nowMs < untilMs;
  }

  /** A batch was answered as one. */
  hasBatched(): void {
    this.#poolBatches = true;
  }

  /** The pool says that there is no batch resource: so far that tells of one application. */
  hasNoBatch(user: User<T>, nowMs: number): void {
    user.singlyUntilMs = nowMs + noBatchForMs;
    if (user.proved) this.isProved(user);
  }

  /**
   * Somebody was answered 2xx. What the pool told him of batches is believed for all, unless it has
   * shown that it takes them: nobody can turn batching off for others.
   */
  isProved({ singlyUntilMs }: User<T>): void {
    if (singlyUntilMs > this.#poolUntilMs && !this.#poolBatches) this.#poolUntilMs = singlyUntilMs;
  }

  /** The answer to a batch grew too large while this part came. */
  isTooLarge(call: Call<T>, nowMs: number): void {
    if (this.#largeUntilMs.size >= maxLargeRoutes) this.#largeUntilMs.clear();
    this.#largeUntilMs.set(routeTemplate(call.target), nowMs + largeForMs);
  }
}
