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
  /** Limit for the calls of all new users together. */
  readonly maxCallsOfAll: number;
  /** Limit for the bytes of all calls that wait for a slot, in heads and bodies. */
  readonly maxWaitingBytes: number;
}

/** The limit that a call of a new user would exceed. */
type NewcomerRefusal = 'newcomers' | 'queue_calls' | 'queue_bytes';

export class Newcomers {
  readonly #shares: Shares;
  readonly #slots: OwnerSlots;
  readonly #maxCallsOfAll: number;
  readonly #maxWaitingBytes: number;
  readonly #maxRecent: number;
  /** Open calls of new users. */
  #calls = 0;
  #waitingBytes = 0;
  /** Calls that wait for a slot, oldest first: the start of each wait in ms, and how to give up the place. */
  readonly #waiting = new Map<
    ClientExchange,
    { readonly sinceMs: number; readonly leave: () => void }
  >();
  /** Users with a recent 2xx answer. When this set is full, it replaces `#older`. */
  #recent = new Set<string>();
  #older = new Set<string>();

  /** @param maxUsers limit for the remembered users; at least the last `maxUsers / 2` are remembered */
  constructor(limits: NewcomerLimits, maxUsers: number) {
    this.#shares = new Shares(limits);
    this.#slots = new OwnerSlots(limits.maxAtOnce);
    this.#maxCallsOfAll = limits.maxCallsOfAll;
    this.#maxWaitingBytes = limits.maxWaitingBytes;
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
   * @param bytes of its head and body
   * @param begin must not throw
   * @returns the limit that a waiting call would exceed. It does not wait then, and `begin` is never called.
   */
  whenFree(
    exchange: ClientExchange,
    address: string,
    { bytes, nowMs }: { readonly bytes: number; readonly nowMs: number },
    begin: () => void,
  ): NewcomerRefusal | undefined {
    let isWaiting = false;
    let hasLeft = false;
    const stopWaiting = (): void => {
      if (this.#waiting.delete(exchange)) this.#waitingBytes -= bytes;
    };
    const leave = (): void => {
      hasLeft = true;
      stopWaiting();
      release();
    };
    this.#waiting.set(exchange, { sinceMs: nowMs, leave });
    this.#waitingBytes += bytes;
    const release = this.#slots.acquire(address, () => {
      stopWaiting();
      if (!isWaiting) {
        begin();
        return;
      }
      // The slot may be freed from inside the engine, which is not reentrant.
      queueMicrotask(() => {
        if (!hasLeft) begin();
      });
    });
    exchange.addRelease(leave);
    isWaiting = this.#waiting.has(exchange);
    if (!isWaiting || this.#waitingBytes <= this.#maxWaitingBytes) return undefined;
    leave();
    return 'queue_bytes';
  }

  /**
   * Takes out the calls that began to wait at `timeMs` or earlier, and returns them. They never begin after that, so
   * their answer may say that they did not run. An answer behind another one of its connection may take long.
   */
  takeWaitingSince(timeMs: number): ClientExchange[] {
    const taken = [...this.#waiting].filter(([, { sinceMs }]) => sinceMs <= timeMs);
    for (const [, { leave }] of taken) leave();
    return taken.map(([exchange]) => exchange);
  }

  /**
   * Counts the exchange of a new user until it is over. A poll does not count for all new users together, because it
   * lasts long and polls have a limit of their own.
   *
   * @returns the limit that the exchange would exceed
   */
  admit(exchange: ClientExchange, address: string, isPoll: boolean): NewcomerRefusal | undefined {
    if (!isPoll && this.#calls >= this.#maxCallsOfAll) return 'queue_calls';
    const release = this.#shares.acquire(address, exchange.head.costBytes);
    if (typeof release === 'string') return 'newcomers';
    const counted = isPoll ? 0 : 1;
    this.#calls += counted;
    exchange.addRelease(() => {
      this.#calls -= counted;
      release();
    });
    return undefined;
  }
}
