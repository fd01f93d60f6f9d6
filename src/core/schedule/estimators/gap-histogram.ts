/**
 * What is known of the time until a companion comes: a histogram of the gaps between the calls of
 * one user, pooled over users, older gaps weighing less. A companion is a call that arrives while
 * another one of the same user is unanswered; every other gap counts as "nobody came".
 */

/** Upper edges of the buckets, in milliseconds; behind the last one nobody came. */
const edgesMs: readonly number[] = [
  0.25, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 300, 500,
  1000,
];

/** Before so many gaps are known nothing is. */
const enough = 20;
/** When so many are there, all lose half of their weight. */
const halveAt = 512;

export class Gaps {
  readonly #weights = new Array<number>(edgesMs.length + 1).fill(0);
  /** Share of gaps longer than 0 and than each edge. */
  readonly #survival = new Array<number>(edgesMs.length + 1).fill(1);
  #total = 0;
  #seen = 0;
  #stale = false;

  get isKnown(): boolean {
    return this.#seen >= enough;
  }

  /** `Infinity`: nobody came. */
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
   * How much longer so many callers should wait for the next one, who has not come for `sinceMs`,
   * at most `mostMs`. The rule: a further wait is worth while if what all of them pay for it is
   * less than what it gains, the chance that somebody comes in it times what one saved request is
   * worth (`exchangeRateMs`, in milliseconds of waiting).
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

  /** The share of gaps that are longer, even within a bucket. */
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

/** Longer ones are like this one. */
export const longestRun = 16;

/**
 * Gaps by how many calls had come in a run before them. A run is what could have shared a batch:
 * calls of one user, each so soon behind the one before it. Applications start with much the same
 * calls each time; so what comes after the eighth is another question than what comes after the first.
 */
export class GapsInRuns {
  readonly #all = new Gaps();
  /** The first: after one call. */
  readonly #after = Array.from({ length: longestRun }, () => new Gaps());

  /** `runLength`: calls before the gap, 1 to `longestRun`. `Infinity`: nobody came. */
  add(gapMs: number, runLength: number): void {
    this.#all.add(gapMs);
    this.#after[runLength - 1]?.add(gapMs);
  }

  /** The gaps after so many calls; all gaps, where too few of those are known. */
  after(runLength: number): Gaps {
    const gaps = this.#after[runLength - 1];
    return gaps?.isKnown === true ? gaps : this.#all;
  }
}
