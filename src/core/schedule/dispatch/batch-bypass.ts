/**
 * The calls that must be sent unbatched:
 *
 * - starters of operations, calls that must travel by themselves, and in mode `off` all calls
 * - all calls of users outside `batching.share`
 * - all calls for a minute after the pool has shown that it has no batch resource
 * - for an hour, calls of a route that made the answer to a batch too large
 * - for hours, calls of a route that was worse off in batches
 */
import { routeTemplate } from '../../ucwa/protocol.ts';
import type { Arrival, Call, User } from '../state.ts';
import type { Policy } from '../policy.ts';
import { pointOf } from '../point-of-user.ts';

const noBatchForMs = 60_000;
const largeForMs = 3_600_000;
const maxLargeRoutes = 256;

export class BatchBypass<T> {
  readonly #policy: Pick<Policy, 'mode' | 'share' | 'unbatchedRoutes'>;
  #allUnbatchedUntilMs = -Infinity;
  #hasAnsweredBatch = false;
  readonly #largeUntilMs = new Map<string, number>();

  constructor(policy: Pick<Policy, 'mode' | 'share' | 'unbatchedRoutes'>) {
    this.#policy = policy;
  }

  /** @param route the name of the route of the call */
  mustBypass(user: User<T>, arrival: Arrival<T>, route: string, nowMs: number): boolean {
    if (this.#policy.mode === 'off' || arrival.callClass === 'operation') return true;
    const { share = 1, unbatchedRoutes } = this.#policy;
    if (share < 1 && pointOf(user.name) >= share) return true;
    if (arrival.isAlone === true || unbatchedRoutes?.isUnbatched(route, nowMs) === true)
      return true;
    if (nowMs < this.#allUnbatchedUntilMs || nowMs < user.unbatchedUntilMs) return true;
    if (this.#largeUntilMs.size === 0) return false;
    const untilMs = this.#largeUntilMs.get(routeTemplate(arrival.target));
    return untilMs !== undefined && nowMs < untilMs;
  }

  /** The pool answered a batch as a batch. */
  batchAnswered(): void {
    this.#hasAnsweredBatch = true;
  }

  /**
   * The pool reported that it has no batch resource. Until the user is proved, this is believed only for that
   * user.
   */
  noBatchResource(user: User<T>, nowMs: number): void {
    user.unbatchedUntilMs = nowMs + noBatchForMs;
    if (user.proved) this.userProved(user);
  }

  /**
   * The pool answered the user with 2xx. Its report that there is no batch resource then holds for all users,
   * unless the pool has answered a batch before. A new user thus cannot turn batching off for others.
   */
  userProved({ unbatchedUntilMs }: User<T>): void {
    if (unbatchedUntilMs > this.#allUnbatchedUntilMs && !this.#hasAnsweredBatch)
      this.#allUnbatchedUntilMs = unbatchedUntilMs;
  }

  /** The answer to a batch became too large while the part of this call was read. */
  answerTooLarge(call: Call<T>, nowMs: number): void {
    if (this.#largeUntilMs.size >= maxLargeRoutes) this.#largeUntilMs.clear();
    this.#largeUntilMs.set(routeTemplate(call.target), nowMs + largeForMs);
  }
}
