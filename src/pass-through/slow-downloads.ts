/**
 * Clients that take their answers slowly hold connections to the pool that others wait for. At most a share of
 * the connections may be held so. Beyond it the clients that are slow for longest are cut off.
 */
import type { PassThroughExchange } from './pass-through-exchange.ts';

/** A client that takes less than this in `slowMs` is slow. */
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
   * To be called now and then, with all exchanges that are not over.
   *
   * @returns those to cut off
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
