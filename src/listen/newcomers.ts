/**
 * Users whom the pool has not answered with 2xx share one allowance for each client address. Each new
 * credential would otherwise be another user with caps of its own, and it costs nothing to make one up.
 * Calls without a credential count as well.
 */
import type { ClientExchange } from './client-exchange.ts';
import { type ShareLimits, Shares } from './shares.ts';

export class Newcomers {
  readonly #shares: Shares;
  readonly #maxRecent: number;
  /** Users that were answered 2xx lately, and those before them; the older ones are dropped as a whole. */
  #recent = new Set<string>();
  #older = new Set<string>();

  /** `maxUsers`: users that are remembered as proved; at least the last half of them. */
  constructor(limits: ShareLimits, maxUsers: number) {
    this.#shares = new Shares(limits);
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

  /** Counts the exchange until it is over, if its user is new; `false`: there is no room for it. */
  take(exchange: ClientExchange, address: string): boolean {
    const { user, costBytes } = exchange.head;
    if (this.#recent.has(user) || this.#older.has(user)) return true;
    const over = this.#shares.take(address, costBytes);
    if (typeof over === 'string') return false;
    exchange.holds(over);
    return true;
  }
}
