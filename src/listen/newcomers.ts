/**
 * Limits new users, which are users without a 2xx answer of the pool. All new users of a client address, and
 * its calls without a credential, share the limits of one user. Otherwise a client could invent credentials,
 * and get the limits of a user for each one.
 */
import { OwnerSlots } from '../core/structures/owner-slots.ts';
import type { ClientExchange } from './client-exchange.ts';
import type { PassThroughLimits } from './pass-through-limits.ts';
import { Shares } from './shares.ts';

interface NewcomerLimits {
  /**
   * Limit for the batchable calls of new users of one client address that are in the engine at a time. Further
   * ones wait.
   */
  readonly maxAtOnce: number;
  /** Limit for the bytes of all calls that wait for a slot, in heads and bodies. */
  readonly maxWaitingBytes: number;
}

interface NewcomerParts {
  readonly newcomers: NewcomerLimits;
  /** `maxCalls`: limit for the calls of all new users together. The others hold for each address. */
  readonly passing: Pick<PassThroughLimits, 'maxCalls' | 'maxCallsPerUser' | 'maxBytesPerUser'>;
  /** Limit for the remembered users. At least the last `maxUsers / 2` are remembered. */
  readonly maxUsers: number;
}

/** How a call that waits would be answered. */
export type TurnVia = 'single' | 'passthrough';

/** A call that may have to wait for a slot. */
interface Turn {
  /** Bytes of its head, and of its body if this was read. */
  readonly bytes: number;
  /** Start of the wait, in ms. */
  readonly sinceMs: number;
  readonly via: TurnVia;
  /** Must not throw. */
  readonly begin: () => void;
  /** Called if the client leaves before the call begins. */
  readonly left: () => void;
}

/** The limit that a call of a new user would exceed. */
export type NewcomerRefusal = 'newcomers' | 'queue_calls' | 'queue_bytes';

export class Newcomers {
  readonly #shares: Shares;
  readonly #slots: OwnerSlots;
  readonly #passing: NewcomerParts['passing'];
  readonly #maxWaitingBytes: number;
  readonly #maxRecent: number;
  /** Open calls of new users. */
  #calls = 0;
  #waitingBytes = 0;
  /** Calls that wait for a slot, oldest first, and how they give up their places. */
  readonly #waiting = new Map<
    ClientExchange,
    { readonly turn: Turn; readonly leave: () => void }
  >();
  /** By user: the number of its waiting calls, and the address that these calls wait for. */
  readonly #turns = new Map<string, { readonly address: string; calls: number }>();
  /** Users with a recent 2xx answer. When this set is full, it replaces `#older`. */
  #recent = new Set<string>();
  #older = new Set<string>();

  constructor({ newcomers, passing, maxUsers }: NewcomerParts) {
    this.#shares = new Shares(passing);
    this.#slots = new OwnerSlots(newcomers.maxAtOnce);
    this.#passing = passing;
    this.#maxWaitingBytes = newcomers.maxWaitingBytes;
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

  /** Whether calls of this user wait for a slot. Calls without a credential can be of different users. */
  isWaiting(user: string): boolean {
    return this.#turns.has(user);
  }

  /**
   * Begins a call when its address has a free slot, in order of arrival. If calls of its user wait for another address,
   * the call waits for that address.
   *
   * @returns the limit that a waiting call would exceed. It does not wait then, and never begins.
   */
  whenFree(exchange: ClientExchange, address: string, turn: Turn): NewcomerRefusal | undefined {
    const { user } = exchange.head;
    const ahead = this.#turns.get(user);
    let state = 'waiting' as 'waiting' | 'begun' | 'gone';
    let isCounted = false;
    const begin = (): void => {
      if (state !== 'waiting') return;
      state = 'begun';
      if (isCounted) this.#countTurn(user, address, -1);
      turn.begin();
    };
    const stopWaiting = (): void => {
      if (this.#waiting.delete(exchange)) this.#waitingBytes -= turn.bytes;
    };
    const leave = (): void => {
      if (state === 'waiting') {
        state = 'gone';
        if (isCounted) this.#countTurn(user, address, -1);
      }
      stopWaiting();
      release();
    };
    this.#waiting.set(exchange, { turn, leave });
    this.#waitingBytes += turn.bytes;
    let mustDefer = ahead !== undefined;
    const release = this.#slots.acquire(ahead?.address ?? address, () => {
      stopWaiting();
      // The slot may be freed from inside the engine, which is not reentrant.
      if (mustDefer) queueMicrotask(begin);
      else begin();
    });
    exchange.addRelease(() => {
      const hasLeft = state === 'waiting';
      leave();
      if (hasLeft) turn.left();
    });
    mustDefer = true;
    if (state !== 'waiting') return undefined;
    if (this.#waiting.has(exchange) && this.#waitingBytes > this.#maxWaitingBytes) {
      leave();
      return 'queue_bytes';
    }
    isCounted = true;
    this.#countTurn(user, address, 1);
    return undefined;
  }

  #countTurn(user: string, address: string, calls: 1 | -1): void {
    if (user === '') return;
    const turns = this.#turns.get(user) ?? { address, calls: 0 };
    turns.calls += calls;
    if (turns.calls === 0) this.#turns.delete(user);
    else this.#turns.set(user, turns);
  }

  /**
   * Takes out the calls that began to wait at `timeMs` or earlier, and returns them. They never begin after that, so
   * their answer may say that they did not run. An answer behind another one of its connection may take long.
   */
  takeWaitingSince(timeMs: number): ReadonlyArray<readonly [ClientExchange, Turn]> {
    const taken = [...this.#waiting].filter(([, { turn }]) => turn.sinceMs <= timeMs);
    for (const [, { leave }] of taken) leave();
    return taken.map(([exchange, { turn }]) => [exchange, turn]);
  }

  /** Takes out a call that waits, if it does. It never begins after that, and `left` is not called. */
  take(exchange: ClientExchange): void {
    this.#waiting.get(exchange)?.leave();
  }

  /**
   * Counts the exchange of a new user until it is over. A poll does not count for all new users together, because it
   * lasts long and polls have a limit of their own.
   *
   * @returns the limit that the exchange would exceed
   */
  admit(exchange: ClientExchange, address: string, isPoll: boolean): NewcomerRefusal | undefined {
    if (!isPoll && this.#calls >= this.#passing.maxCalls) return 'queue_calls';
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
