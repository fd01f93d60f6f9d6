/** Limits for pass-through requests, like those for batchable calls. Polls have a limit of their own. */
import type { RefusalReason } from '../core/admit/admit.ts';
import { Shares } from './shares.ts';

export interface PassThroughLimits {
  /** Limit for open polls. */
  readonly maxPolls: number;
  /** Limit for all other open pass-through requests. */
  readonly maxCalls: number;
  /** Limit for the polls and calls of one user. Calls without a credential have no such limit. */
  readonly maxCallsPerUser: number;
  /** Limit for the bytes of all request heads. */
  readonly maxBytes: number;
  /** Limit for the bytes of the request heads of one user. */
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
    this.#byUser = new Shares(limits);
  }

  /**
   * Counts one more request.
   *
   * @param user the name of the user, empty without a credential
   * @param bytes size of the request head
   * @returns ends the count, to be called once when the request is over; or the limit that it would exceed
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
