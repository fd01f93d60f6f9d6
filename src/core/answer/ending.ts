import type { FailureCause, Fault } from '../messages/fault.ts';
import type { Reply } from '../messages/reply.ts';

/**
 * The end of a request, for those of its calls that have no response yet:
 * - `complete`: the batch response has one part for each call.
 * - `relay`: each call gets this response.
 * - `failure`: the request failed. Complete parts are still delivered, unless the response has a wrong number
 *   of parts. The retry table decides about the other calls.
 */
export type Ending =
  | { readonly kind: 'complete' }
  | { readonly kind: 'relay'; readonly reply: Reply }
  | {
      readonly kind: 'failure';
      readonly cause: FailureCause;
      readonly fault: Fault;
      /** The pool's response, if it may be relayed to a caller. */
      readonly reply?: Reply;
      /** The pool's `Retry-After`, in ms. */
      readonly retryAfterMs?: number | undefined;
    };
