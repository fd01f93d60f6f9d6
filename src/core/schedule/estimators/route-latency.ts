/** The latencies of the last 2xx answers of one route, from dispatch to answer. */

const keptSamples = 20;
const enoughForMedian = 3;
/**
 * The quantile that estimates the latency of the route itself. The latency of a batch is that of its slowest
 * part. A fast route has fast and slow samples. A slow route has only slow ones.
 */
const ownShare = 0.25;

export class RouteLatency {
  /** Whether calls of the route are sent unbatched, because other calls would have to wait for them. */
  isSlow = false;
  /** The number of the last answer, counted over all routes. */
  lastAnswer = 0;
  /** Route template, with the method in front if it is not GET. */
  readonly name: string;
  readonly #samplesMs: number[] = [];
  /** The same samples in ascending order. Quantiles are read far more often than samples are added. */
  readonly #ascendingMs: number[] = [];
  #answers = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** The number of samples that were ever added. */
  get answers(): number {
    return this.#answers;
  }

  add(tookMs: number): void {
    const place = this.#answers % keptSamples;
    const ascending = this.#ascendingMs;
    const oldestMs = this.#samplesMs[place];
    this.#samplesMs[place] = tookMs;
    this.#answers += 1;
    let at = oldestMs === undefined ? ascending.push(tookMs) - 1 : ascending.indexOf(oldestMs);
    for (; at > 0 && (ascending[at - 1] as number) > tookMs; at -= 1) {
      ascending[at] = ascending[at - 1] as number;
    }
    for (; at + 1 < ascending.length && (ascending[at + 1] as number) < tookMs; at += 1) {
      ascending[at] = ascending[at + 1] as number;
    }
    ascending[at] = tookMs;
  }

  /** Whether the buffer of samples is full. */
  get isKnown(): boolean {
    return this.#samplesMs.length === keptSamples;
  }

  /** The median time from dispatch to answer, in ms; `undefined` if too few samples are known. */
  get medianMs(): number | undefined {
    return this.#samplesMs.length < enoughForMedian ? undefined : this.#quantileMs(0.5);
  }

  /** The estimated latency of the route itself, in ms. */
  get ownMs(): number {
    return this.#quantileMs(ownShare);
  }

  #quantileMs(share: number): number {
    return this.#ascendingMs[Math.floor(this.#ascendingMs.length * share)] ?? 0;
  }
}
