/**
 * How many calls may be sent again after faults: a share of all calls and a few a second, so that a
 * pool in trouble is not given more to do than it has (Finagle's retry budget).
 */
const perCall = 0.2;
const perMs = 10 / 1000;
const opening = 100;

export class Budget {
  readonly #most: number;
  #balance = opening;
  #atMs: number;

  /** `most`: what can be saved up. */
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
