/**
 * A refreshed token is a new user, and inherits the learned limit of the old one. It inherits only for an
 * application for which the pool answered both with 2xx. Different persons thus never share a limit.
 */
import type { LearnedLimit } from '../estimators/learned-limit.ts';
import type { LearnedState } from '../state.ts';

export class LimitInheritance {
  readonly #maxRecent: number;
  /**
   * Limits by application path: those of the users that the pool answered with 2xx last, and those before
   * them. The older map is dropped as a whole. In a single map, V8 would pass all deleted entries to find the
   * oldest one.
   */
  #recent = new Map<string, LearnedLimit>();
  #older = new Map<string, LearnedLimit>();

  /** @param maxApplications limits to remember; at least the newest half of them is kept, rounded up */
  constructor(maxApplications: number) {
    this.#maxRecent = Math.ceil(maxApplications / 2);
  }

  /** Records a 2xx answer for the application. Returns whether the user inherited a limit. */
  answered(applicationPath: string, learned: LearnedState): boolean {
    const recent = this.#recent.get(applicationPath);
    if (recent === learned.limit) return false;
    const last = recent ?? this.#older.get(applicationPath);
    const inherits = last?.isMet === true && !learned.limit.isMet;
    if (inherits) learned.limit = last.copy();
    this.#recent.set(applicationPath, learned.limit);
    if (this.#recent.size >= this.#maxRecent) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    return inherits;
  }
}
