/** Calls that pass by are bounded like those that are batched, and polls by a bound of their own. */
import type { RefusalReason } from '../core/admit/admit.ts';

export interface PassingLimits {
  /** Open polls. */
  readonly maxPolls: number;
  /** All other calls that pass by and are not over. */
  readonly maxCalls: number;
  /** Polls and calls of one credential; those without one are only bounded together. */
  readonly maxCallsPerUser: number;
}

type PassingOverflow = Extract<RefusalReason, 'queue_calls' | 'user_queue_calls' | 'long_polls'>;

export class PassingCaps {
  readonly #limits: PassingLimits;
  readonly #ofUser = new Map<string, number>();
  #calls = 0;
  #polls = 0;

  constructor(limits: PassingLimits) {
    this.#limits = limits;
  }

  /**
   * Counts one more, or says which cap it would break.
   *
   * @param user the credential, empty if there is none
   * @returns what to call, once, when it is over
   */
  take(user: string, poll: boolean): (() => void) | PassingOverflow {
    const { maxPolls, maxCalls, maxCallsPerUser } = this.#limits;
    if (poll ? this.#polls >= maxPolls : this.#calls >= maxCalls) {
      return poll ? 'long_polls' : 'queue_calls';
    }
    if (user !== '' && (this.#ofUser.get(user) ?? 0) >= maxCallsPerUser) return 'user_queue_calls';
    this.#count(user, poll, 1);
    return () => this.#count(user, poll, -1);
  }

  #count(user: string, poll: boolean, change: 1 | -1): void {
    if (poll) this.#polls += change;
    else this.#calls += change;
    if (user === '') return;
    const calls = (this.#ofUser.get(user) ?? 0) + change;
    if (calls === 0) this.#ofUser.delete(user);
    else this.#ofUser.set(user, calls);
  }
}
