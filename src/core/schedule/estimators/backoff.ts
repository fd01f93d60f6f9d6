/**
 * The pause after a refusal: longer each time, with full jitter so that those who were refused
 * together do not come back together.
 */
const shortestMs = 20;
const firstSpanMs = 40;
const longestMs = 2000;
const longestAskedMs = 30_000;

export class Pause {
  untilMs = -Infinity;
  #inARow = 0;

  /**
   * `random` is in [0, 1). `askedMs`: what the pool's `Retry-After` says, believed up to 30 s.
   * `news`: not one more refusal of what left before the last one was known.
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

  /** The pool accepts again. */
  reset(): void {
    this.#inARow = 0;
  }
}
