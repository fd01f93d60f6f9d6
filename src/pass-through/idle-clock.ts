/** Measures how long an exchange has moved no bytes. */
export class IdleClock {
  #bytes = 0;
  #lastActivityMs: number;

  constructor(nowMs: number) {
    this.#lastActivityMs = nowMs;
  }

  /** Returns the time without a further byte in ms. `bytes` is the count of all bytes so far. */
  idleMs(bytes: number, nowMs: number): number {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#lastActivityMs = nowMs;
    }
    return nowMs - this.#lastActivityMs;
  }
}
