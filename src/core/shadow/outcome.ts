/**
 * What the pool would have refused. It counts outstanding calls, so what it really refused one call
 * of a user for, it would have refused a batch for, once as many were outstanding in the shadow.
 */
import type { Fault } from '../messages/fault.ts';
import type { Trouble } from '../answer/retry-table.ts';

export type Refusal = Extract<Outcome, { trouble: unknown }>;

export class Refusals {
  /** As few outstanding calls were refused, and none fewer were accepted since. */
  #from = Infinity;
  #last: Refusal | undefined;

  refused(refusal: Refusal): void {
    this.#from = Math.min(this.#from, refusal.outstanding ?? Infinity);
    this.#last = refusal;
  }

  accepted(outstanding: number): void {
    if (outstanding >= this.#from) this.#from = outstanding + 1;
  }

  /** Why a request with which so many are outstanding would be refused, if it would. */
  of(outstanding: number): Refusal | undefined {
    return outstanding >= this.#from ? this.#last : undefined;
  }
}

interface Ended {
  /** From its departure. */
  readonly tookMs: number;
  /** Calls of its user that were outstanding when it left, itself included. */
  readonly outstanding?: number;
}

/** How a request of a call that travelled by itself ended. */
export type Outcome = Ended &
  (
    | { readonly status: number }
    | {
        readonly trouble: Trouble;
        readonly fault: Fault;
        readonly retryAfterMs?: number | undefined;
      }
  );
