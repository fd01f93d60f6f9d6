/**
 * Estimates the time until a companion arrives. It is a histogram of the gaps between the calls of one user,
 * shared by all users. Older gaps weigh less. A companion is a call that arrives while another one of the
 * same user is unanswered. Every other gap counts as infinite: no companion came.
 */

/** Upper edges of the buckets, in ms. The last bucket is for calls without a companion. */
const edgesMs: readonly number[] = [
  0.25, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 300, 500,
  1000,
];

/** Number of gaps that makes the histogram usable. */
const enough = 20;
/** All weights are halved when their sum reaches this number. */
const halveAt = 512;

export class GapHistogram {
  readonly #weights = new Array<number>(edgesMs.length + 1).fill(0);
  /** Share of gaps longer than 0, and longer than each edge. */
  readonly #survival = new Array<number>(edgesMs.length + 1).fill(1);
  #total = 0;
  #seen = 0;
  #stale = false;

  get isKnown(): boolean {
    return this.#seen >= enough;
  }

  /** @param gapMs `Infinity` if no companion came */
  add(gapMs: number): void {
    this.#seen += 1;
    this.#total += 1;
    let bucket = 0;
    while (bucket < edgesMs.length && gapMs > (edgesMs[bucket] as number)) bucket += 1;
    (this.#weights[bucket] as number) += 1;
    this.#stale = true;
    if (this.#total < halveAt) return;
    this.#total /= 2;
    for (let i = 0; i < this.#weights.length; i += 1) (this.#weights[i] as number) /= 2;
  }

  /**
   * Returns for how long the callers should wait on for a companion, in ms. A longer wait is worthwhile if
   * its cost is less than its gain. The cost is the time that all callers wait. The gain is the chance of a
   * companion in this time, multiplied by `exchangeRateMs`.
   *
   * @param callers number of callers that wait
   * @param sinceMs time since the last call, in ms
   * @param mostMs upper bound of the result, in ms
   * @param exchangeRateMs value of one saved request, in ms of waiting
   */
  worthWaitingMs(callers: number, sinceMs: number, mostMs: number, exchangeRateMs: number): number {
    if (this.#stale) this.#recount();
    const endMs = sinceMs + mostMs;
    let atMs = sinceMs;
    while (atMs < endMs && this.#pays(callers, atMs, endMs, exchangeRateMs)) {
      atMs = Math.min(endMs, edgesMs.find((edge) => edge > atMs) ?? endMs);
    }
    return atMs - sinceMs;
  }

  #pays(callers: number, atMs: number, endMs: number, exchangeRateMs: number): boolean {
    const left = this.#survivalAt(atMs);
    if (left <= 0) return false;
    const gains = (untilMs: number): boolean =>
      callers * (untilMs - atMs) * left < (left - this.#survivalAt(untilMs)) * exchangeRateMs;
    for (const edge of edgesMs) {
      if (edge >= endMs) break;
      if (edge > atMs && gains(edge)) return true;
    }
    return gains(endMs);
  }

  /** Returns the share of gaps that are longer, interpolated within a bucket. */
  #survivalAt(ms: number): number {
    let i = 0;
    while (i < edgesMs.length && ms >= (edgesMs[i] as number)) i += 1;
    const before = this.#survival[i] as number;
    if (i === edgesMs.length) return before;
    const fromMs = i === 0 ? 0 : (edgesMs[i - 1] as number);
    const after = this.#survival[i + 1] as number;
    return before - ((before - after) * (ms - fromMs)) / ((edgesMs[i] as number) - fromMs);
  }

  #recount(): void {
    this.#stale = false;
    let longer = this.#total;
    for (let i = 0; i < edgesMs.length; i += 1) {
      this.#survival[i] = longer / this.#total;
      longer -= this.#weights[i] as number;
    }
    this.#survival[edgesMs.length] = longer / this.#total;
  }
}

/** Longer bursts count as bursts of this length. */
export const longestBurst = 16;

/**
 * Gaps by position in a burst. A burst is a sequence of calls of one user that could share a batch, because
 * each call follows the one before it closely. Applications start with much the same calls each time, so the
 * gap after the eighth call differs from the gap after the first.
 */
export class GapsByPosition {
  readonly #all = new GapHistogram();
  /** Index 0: the gaps after one call. */
  readonly #after = Array.from({ length: longestBurst }, () => new GapHistogram());

  /**
   * @param gapMs `Infinity` if no companion came
   * @param burstLength number of calls in the burst before the gap, 1 to `longestBurst`
   */
  add(gapMs: number, burstLength: number): void {
    this.#all.add(gapMs);
    this.#after[burstLength - 1]?.add(gapMs);
  }

  /** Returns the gaps after this number of calls; all gaps if too few of those are known. */
  after(burstLength: number): GapHistogram {
    const gaps = this.#after[burstLength - 1];
    return gaps?.isKnown === true ? gaps : this.#all;
  }
}
