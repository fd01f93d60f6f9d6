/**
 * Counts the outstanding calls of each user over all batches and devices, and enforces their limit. A
 * call is outstanding from its arrival until its answer is written.
 */
export class Outstanding {
  readonly #running = new Map<string, number>();
  readonly #occupied = new Map<string, number>();
  #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  setLimit(limit: number): void {
    this.#limit = limit;
  }

  /** Reserves `calls` of the user's limit, as if other devices made these calls; 0 frees them. */
  occupy(user: string, calls: number): void {
    if (calls > 0) this.#occupied.set(user, calls);
    else this.#occupied.delete(user);
  }

  /** Counts all of these calls as outstanding, or returns false if the limit does not allow them. */
  acquire(user: string, calls: number): boolean {
    const running = this.#running.get(user) ?? 0;
    if (running + (this.#occupied.get(user) ?? 0) + calls > this.#limit) return false;
    this.#running.set(user, running + calls);
    return true;
  }

  /** Ends `calls` outstanding calls, which `acquire` counted. */
  release(user: string, calls: number): void {
    const left = (this.#running.get(user) ?? 0) - calls;
    if (left > 0) this.#running.set(user, left);
    else this.#running.delete(user);
  }
}
