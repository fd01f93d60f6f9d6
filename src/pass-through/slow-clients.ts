/**
 * Limits the connections to the pool that slow clients hold: those with slow downloads, and those with slow
 * uploads. Above the limit, the clients that have been slow for longest lose their connections.
 */
import type { PassThroughExchange } from './pass-through-exchange.ts';

/** A client that reads or sends fewer bytes than this in `slowMs` is slow. */
const slowBytes = 65_536;

interface Slowness {
  readonly bytes: number;
  readonly sinceMs: number;
}

export class SlowClients {
  readonly #slowMs: number;
  readonly #progress: (exchange: PassThroughExchange) => number | undefined;
  /**
   * Exchanges with a client that does not keep up now, in the order of their last progress. They are slow after
   * `slowMs` without progress.
   */
  readonly #slow = new Map<PassThroughExchange, Slowness>();

  /** @param progress returns the bytes that the client has read or sent; `undefined` while it keeps up */
  constructor(slowMs: number, progress: (exchange: PassThroughExchange) => number | undefined) {
    this.#slowMs = slowMs;
    this.#progress = progress;
  }

  /**
   * Updates the measurements. To be called at regular intervals with all open exchanges.
   *
   * @param maxSlow limit for the slow clients that keep their connections
   * @returns the exchanges to end
   */
  findExcess(
    exchanges: ReadonlySet<PassThroughExchange>,
    nowMs: number,
    maxSlow: number,
  ): readonly PassThroughExchange[] {
    for (const exchange of this.#slow.keys()) {
      if (!exchanges.has(exchange)) this.#slow.delete(exchange);
    }
    for (const exchange of exchanges) this.#update(exchange, nowMs);
    const slow = Array.from(this.#slow).filter(
      ([, { sinceMs }]) => nowMs - sinceMs >= this.#slowMs,
    );
    return slow.slice(0, Math.max(slow.length - maxSlow, 0)).map(([exchange]) => exchange);
  }

  #update(exchange: PassThroughExchange, nowMs: number): void {
    const bytes = this.#progress(exchange);
    const before = this.#slow.get(exchange);
    const hasProgress = before !== undefined && (bytes ?? 0) - before.bytes >= slowBytes;
    if (bytes === undefined || hasProgress) this.#slow.delete(exchange);
    if (bytes !== undefined && (before === undefined || hasProgress)) {
      this.#slow.set(exchange, { bytes, sinceMs: nowMs });
    }
  }
}
