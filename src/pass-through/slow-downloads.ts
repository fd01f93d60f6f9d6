/**
 * Limits the connections to the pool that clients with slow downloads hold. Above the limit, the clients that
 * have been slow for longest are disconnected.
 */
import type { PassThroughExchange } from './pass-through-exchange.ts';

/** A client that reads fewer bytes than this in `slowMs` is slow. */
const slowBytes = 65_536;
const slowMs = 5000;

interface Slowness {
  takenBytes: number;
  sinceMs: number;
}

export class SlowDownloads {
  readonly #most: number;
  readonly #slow = new Map<PassThroughExchange, Slowness>();

  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Updates the measurements. To be called at regular intervals with all open exchanges.
   *
   * @returns the exchanges to disconnect
   */
  findExcess(
    exchanges: ReadonlySet<PassThroughExchange>,
    nowMs: number,
  ): readonly PassThroughExchange[] {
    for (const exchange of this.#slow.keys()) {
      if (!exchanges.has(exchange)) this.#slow.delete(exchange);
    }
    for (const exchange of exchanges) this.#update(exchange, nowMs);
    const slow = Array.from(this.#slow).filter(([, { sinceMs }]) => nowMs - sinceMs >= slowMs);
    return slow.slice(0, Math.max(slow.length - this.#most, 0)).map(([exchange]) => exchange);
  }

  #update(exchange: PassThroughExchange, nowMs: number): void {
    const { takenBytes } = exchange;
    const before = this.#slow.get(exchange);
    if (takenBytes === undefined) this.#slow.delete(exchange);
    else if (before === undefined) this.#slow.set(exchange, { takenBytes, sinceMs: nowMs });
    else if (takenBytes - before.takenBytes >= slowBytes) {
      before.takenBytes = takenBytes;
      before.sinceMs = nowMs;
    }
  }
}
