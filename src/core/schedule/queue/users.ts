/**
 * The users. A user with calls in flight stays in a plain map, and is never evicted. A user that is idle for
 * some time is reduced to its learned state, in a bounded memory. A user without any 2xx answer leaves no
 * trace, so that bad tokens cost nothing.
 */
import type { RefusalReason } from '../../admit/admit.ts';
import { LinkedList } from '../../structures/linked-list.ts';
import type { Policy } from '../policy.ts';
import { newTotals, type ProcessTotals } from '../process-totals.ts';
import { BlockedTime } from '../estimators/blocked-time.ts';
import { RetryBudget } from '../estimators/retry-budget.ts';
import { BatchSizeCap } from '../estimators/batch-size-cap.ts';
import { LearnedLimit } from '../estimators/learned-limit.ts';
import { WriteOrder } from '../order/write-order.ts';
import { Backoff } from '../estimators/backoff.ts';
import type { User, UserMemory, LearnedState } from '../state.ts';

/** Names of the caps that a call can exceed. */
export type Overflow = Extract<RefusalReason, `${string}queue_${string}`>;

const keptWholeMs = 10_000;

export class Users<T> {
  readonly #policy: Policy;
  readonly #memory: UserMemory;
  readonly #users = new Map<string, User<T>>();
  /** Idle users, the longest idle first. */
  readonly #idle = new LinkedList<User<T>>();
  readonly #totals: ProcessTotals;
  /** No user has been idle for long enough before this time. */
  #sweepAtMs = 0;

  constructor(policy: Policy, memory: UserMemory) {
    this.#policy = policy;
    this.#memory = memory;
    this.#totals = memory.totals ?? newTotals();
  }

  get counts(): { readonly active: number; readonly idle: number } {
    const active = this.#users.size - this.#idle.size;
    return { active, idle: this.#idle.size + this.#memory.size };
  }

  all(): Iterable<User<T>> {
    return this.#users.values();
  }

  find(name: string): User<T> | undefined {
    return this.#users.get(name);
  }

  /** Counts a new call of the user, or returns the cap that the call would exceed. */
  admit(name: string, sizeBytes: number, nowMs: number): User<T> | Overflow {
    const policy = this.#policy;
    this.sweep(nowMs);
    if (this.#totals.calls >= policy.maxQueuedCalls) return 'queue_calls';
    if (this.#totals.bytes + sizeBytes > policy.maxQueuedBytes) return 'queue_bytes';
    const known = this.#users.get(name);
    if ((known?.calls ?? 0) >= policy.maxQueuedCallsPerUser) return 'user_queue_calls';
    if ((known?.bytes ?? 0) + sizeBytes > policy.maxQueuedBytesPerUser) return 'user_queue_bytes';
    const user = known ?? this.#add(name, nowMs);
    this.#count(user, 1, sizeBytes);
    this.#wake(user);
    return user;
  }

  /** Returns the user of that name, which is about to have calls in flight. */
  open(name: string, nowMs: number): User<T> {
    const user = this.#users.get(name) ?? this.#add(name, nowMs);
    this.#wake(user);
    return user;
  }

  /** Uncounts a call of the user that has ended. */
  ended(user: User<T>, sizeBytes: number, nowMs: number): void {
    this.#count(user, -1, -sizeBytes);
    this.idle(user, nowMs);
  }

  /** Marks the user as idle if it has no calls in flight any more. */
  idle(user: User<T>, nowMs: number): void {
    if (user.calls > 0 || user.outstanding > 0 || user.idleSinceMs !== undefined) return;
    if (!user.proved) {
      this.#users.delete(user.name);
      return;
    }
    user.idleSinceMs = nowMs;
    this.#idle.add(user);
    this.#totals.idleUsers += 1;
  }

  /** Moves the learned state of users that have been idle for long enough into the memory. */
  sweep(nowMs: number): void {
    const { maxUsers } = this.#policy;
    if (nowMs < this.#sweepAtMs && this.#totals.idleUsers <= maxUsers) return;
    this.#sweepAtMs = nowMs + keptWholeMs;
    for (let user = this.#idle.first; user !== undefined; user = this.#idle.first) {
      const keptUntilMs = (user.idleSinceMs ?? nowMs) + keptWholeMs;
      if (keptUntilMs > nowMs && this.#totals.idleUsers <= maxUsers) {
        this.#sweepAtMs = keptUntilMs;
        return;
      }
      this.#removeIdle(user);
      this.#users.delete(user.name);
      this.#memory.keep(user.name, user.learned);
    }
  }

  #add(name: string, nowMs: number): User<T> {
    const user = newUser<T>(name, this.#memory.take(name), nowMs);
    this.#users.set(name, user);
    return user;
  }

  #wake(user: User<T>): void {
    if (user.idleSinceMs === undefined) return;
    user.idleSinceMs = undefined;
    this.#removeIdle(user);
  }

  #removeIdle(user: User<T>): void {
    this.#idle.remove(user);
    this.#totals.idleUsers -= 1;
  }

  #count(user: User<T>, calls: number, bytes: number): void {
    user.calls += calls;
    user.bytes += bytes;
    this.#totals.calls += calls;
    this.#totals.bytes += bytes;
  }
}

const nothingLearnt = (): LearnedState => ({
  fruitlessHolds: 0,
  lastArrivalMs: { safe: undefined, unsafe: undefined },
  burstLength: { safe: 0, unsafe: 0 },
  limit: new LearnedLimit(),
  batchSizeCap: new BatchSizeCap(),
  backoff: new Backoff(),
});

/** Retries that one user can save up. */
const maxRetries = 100;

export function newUser<T>(
  name: string,
  remembered: LearnedState | undefined,
  nowMs: number,
): User<T> {
  return {
    name,
    streams: [],
    order: new WriteOrder<T>(),
    learned: remembered ?? nothingLearnt(),
    hasUrgencies: false,
    shares: undefined,
    calls: 0,
    bytes: 0,
    outstanding: 0,
    polls: 0,
    passedThroughAtMs: -Infinity,
    retryBudget: new RetryBudget(maxRetries, nowMs),
    blocked: new BlockedTime(),
    nextCheckAtMs: Infinity,
    unbatchedUntilMs: -Infinity,
    proved: remembered !== undefined,
    idleSinceMs: undefined,
    earlier: undefined,
    later: undefined,
  };
}
