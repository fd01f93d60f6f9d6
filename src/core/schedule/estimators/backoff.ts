/**
 * The backoff after a refusal. It grows with each refusal, and has full jitter: users that were refused
 * together do not send again together.
 */
const shortestMs = 20;
const firstSpanMs = 40;
const longestMs = 2000;
const longestAskedMs = 30_000;

export class Backoff {
  untilMs = -Infinity;
  #inARow = 0;

  /**
   * Begins or extends the backoff.
   *
   * @param random number in [0, 1)
   * @param askedMs the `Retry-After` of the pool, used up to 30 s
   * @param news `true` if the refused request was sent after the previous refusal had arrived
   */
  begin(nowMs: number, random: number, askedMs: number | undefined, news: boolean): void {
    if (news) {
      const spanMs = Math.min(longestMs, firstSpanMs * 2 ** Math.min(this.#inARow, 20));
      this.#inARow += 1;
      this.untilMs = Math.max(this.untilMs, nowMs + shortestMs + random * spanMs);
    }
    if (askedMs !== undefined) {
      this.untilMs = Math.max(this.untilMs, nowMs + Math.min(askedMs, longestAskedMs));
    }
  }

  /** Whether the next backoff is longer than the first one. */
  get isRaised(): boolean {
    return this.#inARow > 0;
  }

  /** Ends the growth, because the pool accepts requests again. */
  reset(): void {
    this.#inARow = 0;
  }
}
