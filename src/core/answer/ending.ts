import type { Fault } from '../messages/fault.ts';
import type { Reply } from '../messages/reply.ts';
import type { Trouble } from './retry-table.ts';

/**
 * How a request ended, for the calls in it that are not answered yet:
 * - `complete`: as many parts came as were asked for.
 * - `relay`: each gets this answer.
 * - `trouble`: what came whole stands, unless the parts were miscounted; the rest goes the way that
 *   the retry table says. `reply`: the pool's answer, where one may be relayed.
 */
export type Ending =
  | { readonly kind: 'complete' }
  | { readonly kind: 'relay'; readonly reply: Reply }
  | {
      readonly kind: 'trouble';
      readonly trouble: Trouble;
      readonly fault: Fault;
      readonly reply?: Reply;
      /** What the pool's `Retry-After` says. */
      readonly retryAfterMs?: number | undefined;
    };
