/**
 * Limits the connections to the pool that clients with slow downloads hold. Above the limit, the clients that
 * have been slow for longest are disconnected.
 */
import type { PassThroughExchange } from './pass-through-exchange.ts';

/** A client that reads fewer bytes than this in `slowMs` is slow. */
const slowBytes = 65_536;
const slowMs = 5000;

interface Slowness {
  readonly takenBytes: number;
  readonly sinceMs: number;
}

export class SlowDownloads {
  /** Limit for the slow clients that stay connected. */
  readonly #maxSlow: number;
  /**
   * Exchanges with a client that does not keep up now, in the order of their last progress. They are slow after
   * `slowMs` without progress.
   */
  readonly #slow = new Map<PassThroughExchange, Slowness>();

  constructor(maxSlow: number) {
    this.#maxSlow = maxSlow;
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
    return slow.slice(0, Math.max(slow.length - this.#maxSlow, 0)).map(([exchange]) => exchange);
  }

  #update(exchange: PassThroughExchange, nowMs: number): void {
    const { takenBytes } = exchange;
    const before = this.#slow.get(exchange);
    const hasProgress = before !== undefined && (takenBytes ?? 0) - before.takenBytes >= slowBytes;
    if (takenBytes === undefined || hasProgress) this.#slow.delete(exchange);
    if (takenBytes !== undefined && (before === undefined || hasProgress)) {
      this.#slow.set(exchange, { takenBytes, sinceMs: nowMs });
    }
  }
}
