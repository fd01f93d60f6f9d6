import type { LearnedState, UserMemory } from '../../core/schedule/state.ts';

/** The learned state of idle users in a replay. The time is that of the replay. */
export class ReplayMemory implements UserMemory {
  readonly #maxUsers: number;
  readonly #idleMs: number;
  readonly #now: () => number;
  /** The user that was kept first comes first. */
  readonly #users = new Map<string, { readonly learned: LearnedState; readonly atMs: number }>();

  /** @param now returns the time of the replay in ms */
  constructor(maxUsers: number, idleMs: number, now: () => number) {
    this.#maxUsers = maxUsers;
    this.#idleMs = idleMs;
    this.#now = now;
  }

  get size(): number {
    return this.#users.size;
  }

  take(name: string): LearnedState | undefined {
    this.#expire();
    return this.#users.get(name)?.learned;
  }

  keep(name: string, learned: LearnedState): void {
    this.#users.delete(name);
    this.#users.set(name, { learned, atMs: this.#now() });
    this.#expire();
  }

  #expire(): void {
    const sinceMs = this.#now() - this.#idleMs;
    for (const [name, { atMs }] of this.#users) {
      if (atMs >= sinceMs && this.#users.size <= this.#maxUsers) return;
      this.#users.delete(name);
    }
  }
}
