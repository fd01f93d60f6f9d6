/** Learns how long a GET usually takes to come. */

const kept = 64;
/** Number of delays that makes the window usable. */
const enough = 8;
const quantile = 0.95;
const marginShare = 1.5;

export class Delays {
  readonly #marginMs: number;
  readonly #delaysMs: number[] = [];
  #count = 0;
  #windowMs: number | undefined;

  /** @param marginMs time that is added to the usual delay */
  constructor(marginMs: number) {
    this.#marginMs = marginMs;
  }

  add(delayMs: number): void {
    this.#delaysMs[this.#count % kept] = delayMs;
    this.#count += 1;
    if (this.#count < enough) return;
    // A sort for each delay would cost more than it gains.
    if (this.#windowMs !== undefined && this.#count % enough !== 0) return;
    const sorted = this.#delaysMs.toSorted((a, b) => a - b);
    const usual = sorted[Math.floor(sorted.length * quantile)] ?? 0;
    this.#windowMs = usual * marginShare + this.#marginMs;
  }

  /** Time in ms in which almost all GETs come; `undefined` if not known yet. */
  get windowMs(): number | undefined {
    return this.#windowMs;
  }
}
