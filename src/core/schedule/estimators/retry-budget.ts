/** Retries that the process can save up. */
export const processRetries = 1000;

/**
 * A retry budget (the term is Finagle's). It allows a share of all calls to be sent again, and a few calls a
 * second. Retries thus cannot overload a pool that already fails.
 */
const perCall = 0.2;
const perMs = 10 / 1000;
const opening = 100;

export class RetryBudget {
  readonly #most: number;
  #balance = opening;
  #atMs: number;

  /** @param most the retries that can be saved up */
  constructor(most: number, nowMs: number) {
    this.#most = most;
    this.#atMs = nowMs;
  }

  deposit(): void {
    this.#balance = Math.min(this.#most, this.#balance + perCall);
  }

  has(nowMs: number): boolean {
    this.#balance = Math.min(this.#most, this.#balance + (nowMs - this.#atMs) * perMs);
    this.#atMs = nowMs;
    return this.#balance >= 1;
  }

  spend(): void {
    this.#balance -= 1;
  }
}
