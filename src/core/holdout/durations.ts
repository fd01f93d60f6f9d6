/** Durations in a histogram with a relative error of at most 2 %, in a fixed number of counters. */

const growth = Math.log(1.04);
/** 0.1 ms to 5 min. */
const leastMs = 0.1;
const buckets = Math.ceil(Math.log(300_000 / leastMs) / growth) + 1;

export class Durations {
  readonly #counts = new Uint32Array(buckets);
  #total = 0;

  add(ms: number): void {
    const at = Math.ceil(Math.log(Math.max(ms, leastMs) / leastMs) / growth);
    const bucket = Math.min(at, buckets - 1);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#total += 1;
  }

  /** @param share from 0 to 1 */
  quantileMs(share: number): number {
    let left = Math.max(1, Math.ceil(this.#total * share));
    for (let bucket = 0; bucket < buckets; bucket += 1) {
      left -= this.#counts[bucket] as number;
      // The middle of the bucket, on a logarithmic scale.
      if (left <= 0) return bucket === 0 ? leastMs : leastMs * Math.exp((bucket - 0.5) * growth);
    }
    return 0;
  }

  /** Adds all durations of the other histogram. */
  merge(other: Durations): void {
    for (let bucket = 0; bucket < buckets; bucket += 1) {
      this.#counts[bucket] = (this.#counts[bucket] as number) + (other.#counts[bucket] as number);
    }
    this.#total += other.#total;
  }
}
