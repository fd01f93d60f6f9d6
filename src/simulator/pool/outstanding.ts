/**
 * How many calls the pool works on for each user, over all batches and devices, and the limit on
 * them. A call is outstanding from its arrival until its answer is written.
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

  /** So many of the user's places are taken by devices that nobody sees; 0 frees them. */
  occupy(user: string, calls: number): void {
    if (calls > 0) this.#occupied.set(user, calls);
    else this.#occupied.delete(user);
  }

  /** Takes places for all of these calls, or for none: then false. */
  take(user: string, calls: number): boolean {
    const running = this.#running.get(user) ?? 0;
    if (running + (this.#occupied.get(user) ?? 0) + calls > this.#limit) return false;
    this.#running.set(user, running + calls);
    return true;
  }

  /** Gives back so many places that `take` granted. */
  give(user: string, calls: number): void {
    const left = (this.#running.get(user) ?? 0) - calls;
    if (left > 0) this.#running.set(user, left);
    else this.#running.delete(user);
  }
}
