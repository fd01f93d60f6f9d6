/**
 * Users whom the pool has not answered with 2xx share one allowance for each client address. Each new
 * credential would otherwise be another user with caps of its own, and it costs nothing to make one up.
 * Calls without a credential count as well.
 */
import { OwnerSlots } from '../core/structures/owner-slots.ts';
import type { ClientExchange } from './client-exchange.ts';
import { type ShareLimits, Shares } from './shares.ts';

export interface NewcomerLimits extends ShareLimits {
  /** Batchable calls of one client address that may be on their way to the pool at a time. The rest waits. */
  readonly maxAtOnce: number;
}

export class Newcomers {
  readonly #shares: Shares;
  readonly #slots: OwnerSlots;
  readonly #maxRecent: number;
  /** Calls that wait for a slot, the oldest first, and when each began to wait. */
  readonly #waiting = new Map<ClientExchange, number>();
  /** Users that were answered 2xx lately, and those before them; the older ones are dropped as a whole. */
  #recent = new Set<string>();
  #older = new Set<string>();

  /** `maxUsers`: users that are remembered as proved; at least the last half of them. */
  constructor(limits: NewcomerLimits, maxUsers: number) {
    this.#shares = new Shares(limits);
    this.#slots = new OwnerSlots(limits.maxAtOnce);
    this.#maxRecent = Math.ceil(maxUsers / 2);
  }

  /** The pool has answered a call of that user with 2xx. */
  prove(user: string): void {
    if (user === '' || this.#recent.has(user)) return;
    this.#recent.add(user);
    if (this.#recent.size < this.#maxRecent) return;
    this.#older = this.#recent;
    this.#recent = new Set();
  }

  /** Calls that wait for a slot. */
  get waitingCalls(): number {
    return this.#waiting.size;
  }

  /** Whether the pool has answered no call of that user with 2xx. */
  isNew(user: string): boolean {
    return !this.#recent.has(user) && !this.#older.has(user);
  }

  /**
   * Calls `begin` at once for a user that is not new, and else when its address has a free slot.
   *
   * @param begin must not throw
   */
  whenFree(exchange: ClientExchange, address: string, nowMs: number, begin: () => void): void {
    if (!this.isNew(exchange.head.user)) {
      begin();
      return;
    }
    this.#waiting.set(exchange, nowMs);
    let isWaiting = false;
    const release = this.#slots.acquire(address, () => {
      this.#waiting.delete(exchange);
      if (!isWaiting) {
        begin();
        return;
      }
      // The slot may become free inside a call of the engine, and the engine must not be called inside itself.
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

  /** Calls that have waited for a slot since that time or longer; they stay in the queue until they are answered. */
  waitingSince(timeMs: number): ClientExchange[] {
    return [...this.#waiting]
      .filter(([, sinceMs]) => sinceMs <= timeMs)
      .map(([exchange]) => exchange);
  }

  /** Counts the exchange until it is over, if its user is new; `false`: there is no room for it. */
  admit(exchange: ClientExchange, address: string): boolean {
    const { user, costBytes } = exchange.head;
    if (!this.isNew(user)) return true;
    const release = this.#shares.acquire(address, costBytes);
    if (typeof release === 'string') return false;
    exchange.addRelease(release);
    return true;
  }
}
