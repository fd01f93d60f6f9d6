/** The time for which a user's calls were blocked, by reason, since the user became known. */
export type Block = 'backoff' | 'limit';

export class BlockedTime {
  #backoffMs = 0;
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
    this.#backoffMs = this.backoffMs(nowMs);
    this.#limitedMs = this.limitedMs(nowMs);
    this.#reason = undefined;
  }

  /** Returns since when the limit blocks the calls without a break, in ms. */
  limitedSinceMs(nowMs: number): number {
    return this.#reason === 'limit' ? this.#sinceMs : nowMs;
  }

  /** Returns both sums, in ms. */
  sums(nowMs: number): { readonly backoffMs: number; readonly limitedMs: number } {
    return { backoffMs: this.backoffMs(nowMs), limitedMs: this.limitedMs(nowMs) };
  }

  backoffMs(nowMs: number): number {
    return this.#backoffMs + (this.#reason === 'backoff' ? nowMs - this.#sinceMs : 0);
  }

  limitedMs(nowMs: number): number {
    return this.#limitedMs + (this.#reason === 'limit' ? nowMs - this.#sinceMs : 0);
  }
}
