/** The time that a client's connection has been idle, without a timer of its own. */
export class IdleTime {
  /** Value at the last check. */
  #bytesRead = 0;
  #sinceMs: number | undefined;

  /**
   * Returns the time in ms without an open exchange or a received byte. To be called at regular intervals.
   *
   * @param mayBeIdle whether the connection has had a request, and has no open exchange
   * @param bytesRead all bytes that the connection has received
   */
  check(mayBeIdle: boolean, bytesRead: number, nowMs: number): number {
    const hasMore = bytesRead !== this.#bytesRead;
    this.#bytesRead = bytesRead;
    if (!mayBeIdle) {
      this.#sinceMs = undefined;
      return 0;
    }
    if (hasMore) this.#sinceMs = nowMs;
    this.#sinceMs ??= nowMs;
    return nowMs - this.#sinceMs;
  }
}
