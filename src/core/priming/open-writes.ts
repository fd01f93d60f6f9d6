/** The users with a write that may be running. No answer that the proxy asked for itself is given to them. */

interface Writes {
  open: number;
  quietUntilMs: number;
}

/** A write without an answer may go on running at the pool for this time, in ms. */
export const mayRunForMs = 30_000;
const maxUsers = 10_000;

export class OpenWrites {
  readonly #users = new Map<string, Writes>();
  /** Until this time every user counts as one with a write. */
  #allQuietUntilMs = -Infinity;

  get size(): number {
    return this.#users.size;
  }

  began(user: string): void {
    const writes = this.#users.get(user);
    if (writes === undefined) this.#users.set(user, { open: 1, quietUntilMs: -Infinity });
    else writes.open += 1;
  }

  /** @param isAnswered whether the client got the whole answer */
  ended(user: string, isAnswered: boolean, nowMs: number): void {
    const writes = this.#users.get(user);
    if (writes === undefined) return;
    writes.open = Math.max(0, writes.open - 1);
    if (!isAnswered) writes.quietUntilMs = nowMs + mayRunForMs;
    if (writes.open === 0 && writes.quietUntilMs <= nowMs) this.#users.delete(user);
    if (this.#users.size > maxUsers) this.#forgetQuiet(nowMs);
  }

  has(user: string, nowMs: number): boolean {
    if (nowMs < this.#allQuietUntilMs) return true;
    const writes = this.#users.get(user);
    if (writes === undefined) return false;
    if (writes.open > 0 || writes.quietUntilMs > nowMs) return true;
    this.#users.delete(user);
    return false;
  }

  #forgetQuiet(nowMs: number): void {
    this.#allQuietUntilMs = nowMs + mayRunForMs;
    for (const [user, { open }] of this.#users) if (open === 0) this.#users.delete(user);
  }
}
