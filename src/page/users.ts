/** The users with calls at the pool, or with calls in the last minute, by their hashes. */
import type { EndNote, SentNote } from './notes.ts';

const keptMs = 60_000;
const maxUsers = 1000;
const maxRows = 12;

interface SeenUser {
  outstanding: number;
  /** `undefined` before the end of a request that the page saw. */
  limit: number | undefined;
  isLimitMet: boolean;
  pausedUntilMs: number;
  seenAtMs: number;
}

interface UserFrame {
  readonly user: string;
  readonly outstanding: number;
  readonly limit: number | undefined;
  readonly isLimitMet: boolean;
  readonly pauseMs: number;
}

export interface UsersFrame {
  readonly known: number;
  readonly rows: readonly UserFrame[];
}

export class SeenUsers {
  /** The user that was seen last comes last. */
  readonly #users = new Map<string, SeenUser>();

  sent({ user, outstanding, atMs }: SentNote): void {
    this.#of(user, atMs).outstanding = outstanding;
  }

  ended(end: EndNote): void {
    const { outstanding, limit, isLimitMet, pausedUntilMs } = end;
    Object.assign(this.#of(end.user, end.atMs), { outstanding, limit, isLimitMet, pausedUntilMs });
  }

  frame(nowMs: number): UsersFrame {
    for (const [name, { outstanding, seenAtMs }] of this.#users) {
      if (outstanding === 0 && seenAtMs < nowMs - keptMs) this.#users.delete(name);
    }
    const rows = [...this.#users]
      .map(([user, { outstanding, limit, isLimitMet, pausedUntilMs }]) => ({
        ...{ user, outstanding, limit, isLimitMet },
        pauseMs: Math.round(Math.max(0, pausedUntilMs - nowMs)),
      }))
      .sort(
        (a, b) =>
          Number(b.pauseMs > 0) - Number(a.pauseMs > 0) ||
          b.outstanding - a.outstanding ||
          a.user.localeCompare(b.user),
      )
      .slice(0, maxRows);
    return { known: this.#users.size, rows };
  }

  #of(name: string, nowMs: number): SeenUser {
    const known = this.#users.get(name);
    const user = known ?? {
      ...{ outstanding: 0, limit: undefined, isLimitMet: false },
      ...{ pausedUntilMs: -Infinity, seenAtMs: nowMs },
    };
    user.seenAtMs = nowMs;
    this.#users.delete(name);
    this.#users.set(name, user);
    if (this.#users.size > maxUsers) {
      const oldest = this.#users.keys().next().value;
      if (oldest !== undefined) this.#users.delete(oldest);
    }
    return user;
  }
}
