/**
 * Limits new users, which are users without a 2xx answer of the pool. All new users of a client address, and
 * its calls without a credential, share the limits of one user. Otherwise a client could invent credentials,
 * and get the limits of a user for each one.
 */
import { OwnerSlots } from '../core/structures/owner-slots.ts';
import type { ClientExchange } from './client-exchange.ts';
import { type ShareLimits, Shares } from './shares.ts';

export interface NewcomerLimits extends ShareLimits {
  /**
   * Limit for the batchable calls of new users of one client address that are in the engine at a time. Further
   * ones wait.
   */
  readonly maxAtOnce: number;
}

export class Newcomers {
  readonly #shares: Shares;
  readonly #slots: OwnerSlots;
  readonly #maxRecent: number;
  /** Calls that wait for a slot, oldest first, and the start of each wait in ms. */
  readonly #waiting = new Map<ClientExchange, number>();
  /** Users with a recent 2xx answer. When this set is full, it replaces `#older`. */
  #recent = new Set<string>();
  #older = new Set<string>();

  /** @param maxUsers limit for the remembered users; at least the last `maxUsers / 2` are remembered */
  constructor(limits: NewcomerLimits, maxUsers: number) {
    this.#shares = new Shares(limits);
    this.#slots = new OwnerSlots(limits.maxAtOnce);
    this.#maxRecent = Math.ceil(maxUsers / 2);
  }

  /** Remembers a user after a 2xx answer of the pool. */
  prove(user: string): void {
    if (user === '' || this.#recent.has(user)) return;
    this.#recent.add(user);
    if (this.#recent.size < this.#maxRecent) return;
    this.#older = this.#recent;
    this.#recent = new Set();
  }

  /** Number of calls that wait for a slot. */
  get waitingCalls(): number {
    return this.#waiting.size;
  }

  /** Whether no 2xx answer for this user is remembered. */
  isNew(user: string): boolean {
    return !this.#recent.has(user) && !this.#older.has(user);
  }

  /**
   * Calls `begin` for a call of a new user when its address has a free slot.
   *
   * @param begin must not throw
   */
  whenFree(exchange: ClientExchange, address: string, nowMs: number, begin: () => void): void {
    this.#waiting.set(exchange, nowMs);
    let isWaiting = false;
    const release = this.#slots.acquire(address, () => {
      this.#waiting.delete(exchange);
      if (!isWaiting) {
        begin();
        return;
      }
      // The slot may be freed from inside the engine, which is not reentrant.
      queueMicrotask(() => {
        if (!exchange.isOver) begin();
      });
    });
    isWaiting = true;
    exchange.addRelease(() => {
      this.#waiting.delete(exchange);
      release();
    });
  }

  /**
   * Returns the calls that began to wait at `timeMs` or earlier. They stay in the queue until they are
   * answered.
   */
  waitingSince(timeMs: number): ClientExchange[] {
    return [...this.#waiting]
      .filter(([, sinceMs]) => sinceMs <= timeMs)
      .map(([exchange]) => exchange);
  }

  /** Counts the exchange of a new user until it is over. Returns `false` if its address has reached a limit. */
  admit(exchange: ClientExchange, address: string): boolean {
    const release = this.#shares.acquire(address, exchange.head.costBytes);
    if (typeof release === 'string') return false;
    exchange.addRelease(release);
    return true;
  }
}
