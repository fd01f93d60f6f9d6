/** Calls that pass by are bounded like those that are batched, and polls by a bound of their own. */
import type { RefusalReason } from '../core/admit/admit.ts';
import { Shares } from './shares.ts';

export interface PassThroughLimits {
  /** Open polls. */
  readonly maxPolls: number;
  /** All other calls that pass by and are not over. */
  readonly maxCalls: number;
  /** Polls and calls of one user; those without a credential are only bounded together. */
  readonly maxCallsPerUser: number;
  /** Bytes of the heads of all of them, and of those of one user. */
  readonly maxBytes: number;
  readonly maxBytesPerUser: number;
}

type PassThroughOverflow = Extract<RefusalReason, `${string}queue_${string}` | 'long_polls'>;

const nothing = (): void => undefined;

export class PassThroughLimiter {
  readonly #limits: PassThroughLimits;
  readonly #byUser: Shares;
  #calls = 0;
  #polls = 0;
  #bytes = 0;

  constructor(limits: PassThroughLimits) {
    this.#limits = limits;
    const { maxCallsPerUser, maxBytesPerUser } = limits;
    this.#byUser = new Shares({ maxCalls: maxCallsPerUser, maxBytes: maxBytesPerUser });
  }

  /**
   * Counts one more, or says which cap it would break.
   *
   * @param user the name of the user, empty without a credential
   * @param bytes of the head
   * @returns what to call, once, when it is over
   */
  acquire(user: string, poll: boolean, bytes: number): (() => void) | PassThroughOverflow {
    const { maxPolls, maxCalls, maxBytes } = this.#limits;
    if (poll ? this.#polls >= maxPolls : this.#calls >= maxCalls) {
      return poll ? 'long_polls' : 'queue_calls';
    }
    if (this.#bytes + bytes > maxBytes) return 'queue_bytes';
    const release = user === '' ? nothing : this.#byUser.acquire(user, bytes);
    if (typeof release === 'string') return `user_queue_${release}`;
    this.#count(poll, 1, bytes);
    return () => {
      release();
      this.#count(poll, -1, -bytes);
    };
  }

  #count(poll: boolean, calls: 1 | -1, bytes: number): void {
    if (poll) this.#polls += calls;
    else this.#calls += calls;
    this.#bytes += bytes;
  }
}
