/** The simulator's timers, kept together so that `stop` can end them all. */
export class Timers {
  readonly #running = new Set<NodeJS.Timeout>();

  /** Calls `then` after so many milliseconds, unless the returned function is called before. */
  after(ms: number, then: () => void): () => void {
    const timer = setTimeout(() => {
      this.#running.delete(timer);
      then();
    }, ms);
    this.#running.add(timer);
    return () => {
      clearTimeout(timer);
      this.#running.delete(timer);
    };
  }

  /** Resolves after so many milliseconds, at once if there is nothing to wait for, and never once `stop` was called. */
  wait(ms: number): Promise<void> {
    if (ms <= 0) return Promise.resolve();
    return new Promise((resolve) => void this.after(ms, resolve));
  }

  /** What waits is never woken. */
  stop(): void {
    for (const timer of this.#running) clearTimeout(timer);
    this.#running.clear();
  }
}
