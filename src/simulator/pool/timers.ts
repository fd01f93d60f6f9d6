/** All timers of the simulator, so that `stop` can cancel them. */
export class Timers {
  readonly #running = new Set<NodeJS.Timeout>();

  /** Calls `then` after `ms`. The returned function cancels the timer. */
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

  /** Resolves after `ms`, immediately if `ms` is 0 or less. It never resolves after `stop`. */
  wait(ms: number): Promise<void> {
    if (ms <= 0) return Promise.resolve();
    return new Promise((resolve) => void this.after(ms, resolve));
  }

  /** Cancels all timers. Promises of `wait` stay pending. */
  stop(): void {
    for (const timer of this.#running) clearTimeout(timer);
    this.#running.clear();
  }
}
