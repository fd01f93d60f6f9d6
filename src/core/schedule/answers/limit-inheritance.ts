/**
 * A token is refreshed: the new credential is another user, and learns where the old one stopped.
 * Only for the application that both were answered 2xx for, so that nobody who is not the same
 * person gives or takes anything.
 */
import type { LearnedLimit } from '../estimators/learned-limit.ts';
import type { Learnt } from '../state.ts';

export class Inheritance {
  readonly #maxRecent: number;
  /**
   * Limits of those who were last answered 2xx, by application path, and of those before them. Two
   * maps, of which the older one is dropped as a whole: to find the oldest of one map, V8 passes all
   * the places that older ones had.
   */
  #recent = new Map<string, LearnedLimit>();
  #older = new Map<string, LearnedLimit>();

  /** At most so many are remembered; at least the last half of them to be answered, rounded up. */
  constructor(maxApplications: number) {
    this.#maxRecent = Math.ceil(maxApplications / 2);
  }

  /** Somebody was answered 2xx for that application. Whether a limit was inherited. */
  answered(applicationPath: string, learnt: Learnt): boolean {
    const recent = this.#recent.get(applicationPath);
    if (recent === learnt.limit) return false;
    const last = recent ?? this.#older.get(applicationPath);
    const inherits = last?.isMet === true && !learnt.limit.isMet;
    if (inherits) learnt.limit = last.copy();
    this.#recent.set(applicationPath, learnt.limit);
    if (this.#recent.size >= this.#maxRecent) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    return inherits;
  }
}
