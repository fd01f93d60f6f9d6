/** Limits the answers that the proxy asks for in vain: to a tenth of the GETs that follow events, and a few more. */

const share = 0.1;

export class WasteBudget {
  readonly #most: number;
  #balance: number;

  /** @param most answers in vain that can be saved up; a quarter of them is there from the start */
  constructor(most: number) {
    this.#most = most;
    this.#balance = most / 4;
  }

  /** Number of GETs that the proxy may ask for at a time: at most a tenth of them is expected to be in vain. */
  get allowed(): number {
    return Math.max(0, Math.floor(this.#balance / share));
  }

  /** A GET followed an event. */
  used(): void {
    this.#balance = Math.min(this.#most, this.#balance + share);
  }

  /** The client did not use an answer. */
  wasted(): void {
    this.#balance -= 1;
  }
}
