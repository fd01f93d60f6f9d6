/** The time for which a user's calls were blocked, by reason, since the user became known. */
export type Block = 'pause' | 'limit';

export class BlockedTime {
  #pausedMs = 0;
  #limitedMs = 0;
  #reason: Block | undefined;
  #sinceMs = 0;

  get isBlocked(): boolean {
    return this.#reason !== undefined;
  }

  begin(reason: Block, nowMs: number): void {
    if (this.#reason === reason) return;
    this.end(nowMs);
    this.#reason = reason;
    this.#sinceMs = nowMs;
  }

  end(nowMs: number): void {
    this.#pausedMs = this.pausedMs(nowMs);
    this.#limitedMs = this.limitedMs(nowMs);
    this.#reason = undefined;
  }

  /** Returns since when the limit blocks the calls without a break, in ms. */
  limitedSinceMs(nowMs: number): number {
    return this.#reason === 'limit' ? this.#sinceMs : nowMs;
  }

  /** Returns both sums, in ms. */
  sums(nowMs: number): { readonly pausedMs: number; readonly limitedMs: number } {
    return { pausedMs: this.pausedMs(nowMs), limitedMs: this.limitedMs(nowMs) };
  }

  pausedMs(nowMs: number): number {
    return this.#pausedMs + (this.#reason === 'pause' ? nowMs - this.#sinceMs : 0);
  }

  limitedMs(nowMs: number): number {
    return this.#limitedMs + (this.#reason === 'limit' ? nowMs - this.#sinceMs : 0);
  }
}
