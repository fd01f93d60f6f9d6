/** An allowance that is spent, and that grows back with time up to its size. */
export class Allowance {
  readonly #size: number;
  readonly #perSecond: number;
  #left: number;
  #atMs: number;

  constructor(size: number, perSecond: number, nowMs: number) {
    this.#size = size;
    this.#perSecond = perSecond;
    this.#left = size;
    this.#atMs = nowMs;
  }

  /** Spends an amount. Returns `false` if more was spent than the allowance had. */
  spend(amount: number, nowMs: number): boolean {
    const grown = this.#left + (this.#perSecond * (nowMs - this.#atMs)) / 1000;
    this.#left = Math.min(grown, this.#size) - amount;
    this.#atMs = nowMs;
    return this.#left >= 0;
  }
}
