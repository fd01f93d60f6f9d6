/**
 * A token is refreshed: the new credential is another user, and learns where the old one stopped.
 * Only for the application that both were answered 2xx for, so that nobody who is not the same
 * person gives or takes anything.
 */
import type { LearnedLimit } from './limit.ts';
import type { Learnt } from './user.ts';

export class Inheritance {
  readonly #maxApplications: number;
  /** Limits of those who were last answered 2xx, by application path; the most recent last. */
  readonly #last = new Map<string, LearnedLimit>();

  constructor(maxApplications: number) {
    this.#maxApplications = maxApplications;
  }

  /** Somebody was answered 2xx for that application. Whether a limit was inherited. */
  answered(applicationPath: string, learnt: Learnt): boolean {
    const last = this.#last.get(applicationPath);
    if (last === learnt.limit) return false;
    const inherits = last?.isMet === true && !learnt.limit.isMet;
    if (inherits) learnt.limit = last.copy();
    this.#last.delete(applicationPath);
    this.#last.set(applicationPath, learnt.limit);
    if (this.#last.size > this.#maxApplications) {
      const [oldest] = this.#last.keys();
      if (oldest !== undefined) this.#last.delete(oldest);
    }
    return inherits;
  }
}
