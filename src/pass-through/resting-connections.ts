/**
 * Connections that rest after an answer before another user's request uses them, so that a late second answer
 * is noticed. See `core/connection-rest.ts`.
 */

interface Resting {
  /** The client's connection that the last request came from. */
  readonly client: object | undefined;
  /** The user of the last request. */
  readonly user: string | undefined;
  /** Start of the rest, in ms of `performance.now()`. */
  readonly sinceMs: number;
  /** Ends the rest. Further calls do nothing. */
  readonly release: () => void;
}

export class RestingConnections {
  readonly #restMs: number;
  readonly #leastMs: number;
  /** Oldest first. */
  readonly #resting = new Set<Resting>();

  /**
   * @param restMs usual rest, in ms
   * @param leastMs shorter rest while requests wait for a connection, in ms
   */
  constructor(restMs: number, leastMs: number) {
    this.#restMs = restMs;
    this.#leastMs = leastMs;
  }

  /** @param lend called after the rest; gives the connection to a waiting request, or back to the free ones */
  add(client: object | undefined, user: string | undefined, lend: () => void): void {
    let isOver = false;
    const resting: Resting = {
      client,
      user,
      sinceMs: performance.now(),
      release: () => {
        if (isOver) return;
        isOver = true;
        clearTimeout(timer);
        this.#resting.delete(resting);
        lend();
      },
    };
    const timer = setTimeout(resting.release, this.#restMs).unref();
    this.#resting.add(resting);
  }

  /**
   * Ends the rest of the connection that served the same client and user last, if there is one. A late second
   * answer on it would go to the same client and user, so it does no harm.
   */
  releaseFor(client: object, user: string | undefined): void {
    if (user === undefined) return;
    for (const resting of this.#resting) {
      if (resting.client !== client || resting.user !== user) continue;
      resting.release();
      return;
    }
  }

  /** Shortens the rest of the connection that has rested longest. To be called when requests wait. */
  releaseOldestSoon(): void {
    const [oldest] = this.#resting;
    if (oldest === undefined) return;
    this.#resting.delete(oldest);
    const dueMs = oldest.sinceMs + this.#leastMs - performance.now();
    if (dueMs > 0) setTimeout(oldest.release, dueMs);
    // Two turns, so that the event loop polls for I/O in between. The poll finds a second answer that has
    // arrived already, and that answer closes the connection.
    else setImmediate(() => setImmediate(oldest.release));
  }

  releaseAll(): void {
    for (const { release } of [...this.#resting]) release();
  }
}
