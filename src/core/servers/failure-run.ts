/**
 * Failures of one kind in a row, and the users that made the requests. A client may find a request that a healthy
 * server answers with an error. The failures of one user are therefore no proof, unless it is the only user.
 */

/** Time without a further failure after which a run is forgotten, in ms. */
const forgetMs = 30_000;

export class FailureRun {
  #count = 0;
  #lastAtMs = -Infinity;
  /** At most two. */
  readonly #users: Array<string | undefined> = [];

  add(user: string | undefined, nowMs: number): void {
    if (nowMs - this.#lastAtMs > forgetMs) this.clear();
    this.#lastAtMs = nowMs;
    this.#count += 1;
    if (this.#users.length < 2 && !this.#users.includes(user)) this.#users.push(user);
  }

  clear(): void {
    this.#count = 0;
    this.#users.length = 0;
  }

  /** @param isOnlyUser whether the pool has served only one user recently */
  isProof(failures: number, isOnlyUser: boolean): boolean {
    return this.#count >= failures && (isOnlyUser || this.#users.length > 1);
  }
}
