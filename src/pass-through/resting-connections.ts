/** Connections that rest behind an answer before they are lent again, see `restMs`. */

interface Resting {
  /** The client's connection that it served last, and for whom. */
  readonly client: object | undefined;
  readonly user: string | undefined;
  readonly sinceMs: number;
  /** Ends the rest; does nothing the second time. */
  readonly release: () => void;
}

export class RestingConnections {
  readonly #restMs: number;
  readonly #leastMs: number;
  /** Oldest first. */
  readonly #resting = new Set<Resting>();

  /** `leastMs`: how long a connection rests that requests wait for. */
  constructor(restMs: number, leastMs: number) {
    this.#restMs = restMs;
    this.#leastMs = leastMs;
  }

  /** `lend` gives the connection to the next request, or keeps it for one. */
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

  /** A request of the client and the user that used one last need not wait: its answer was theirs. */
  releaseFor(client: object, user: string | undefined): void {
    if (user === undefined) return;
    for (const resting of this.#resting) {
      if (resting.client !== client || resting.user !== user) continue;
      resting.release();
      return;
    }
  }

  /** Requests wait: the one that rests for longest is lent soon. */
  releaseOldestSoon(): void {
    const [oldest] = this.#resting;
    if (oldest === undefined) return;
    this.#resting.delete(oldest);
    const dueMs = oldest.sinceMs + this.#leastMs - performance.now();
    if (dueMs > 0) setTimeout(oldest.release, dueMs);
    else setImmediate(() => setImmediate(oldest.release));
  }

  releaseAll(): void {
    for (const { release } of [...this.#resting]) release();
  }
}
