/**
 * The outcomes of real requests, and the refusals that follow from them in the shadow. The pool limits the
 * outstanding calls of a user. If the pool refused a real request with N outstanding calls, it would refuse a
 * batch with N outstanding calls in the shadow too.
 */
import type { FailureCause, Fault } from '../messages/fault.ts';

/** The outcome of a failed request. */
export type Refusal = Extract<Outcome, { cause: unknown }>;

/** An estimate of the number of outstanding calls from which the pool refuses requests of one user. */
export class Refusals {
  /** The lowest refused number of outstanding calls, raised above each number that was accepted later. */
  #from = Infinity;
  #last: Refusal | undefined;

  /** Records that the pool refused a real request. */
  refused(refusal: Refusal): void {
    this.#from = Math.min(this.#from, refusal.outstanding ?? Infinity);
    this.#last = refusal;
  }

  /** Records that the pool accepted a real request with this number of outstanding calls. */
  accepted(outstanding: number): void {
    if (outstanding >= this.#from) this.#from = outstanding + 1;
  }

  /**
   * Returns the refusal of a request with this number of outstanding calls, or `undefined` if the pool would
   * accept it.
   */
  of(outstanding: number): Refusal | undefined {
    return outstanding >= this.#from ? this.#last : undefined;
  }
}

interface Ended {
  /** The time from sending the request to its end, in ms. */
  readonly tookMs: number;
  /** The number of outstanding calls of the user when the request was sent, this call included. */
  readonly outstanding?: number;
}

/** The end of a real request with a single call: a response, or a failure. */
export type Outcome = Ended &
  (
    | { readonly status: number }
    | {
        readonly cause: FailureCause;
        readonly fault: Fault;
        readonly retryAfterMs?: number | undefined;
      }
  );
