import type { Fault } from '../answer/fault.ts';
import type { Reply } from '../answer/reply.ts';
import type { Batch, Call } from './call.ts';
import type { User } from './user.ts';

/**
 * Why a call got no answer from the pool:
 * - `never-sent`: it waited until its deadline, or until the end of the shutdown.
 * - `late`: it was sent, and the answer did not come in time.
 */
export type Failure = Fault | 'never-sent' | 'late';

export interface Sink<T> {
  /**
   * Asks for a departure of that user: `depart(user, operation)` follows when it is granted.
   * Operations wait for no other departure of their user.
   */
  permit(user: User<T>, operation: boolean): void;
  send(batch: Batch<T>): void;
  answer(call: Call<T>, reply: Reply): void;
  fail(call: Call<T>, failure: Failure): void;
  /** Nobody waits for that batch any more; it holds only safe calls and may be broken off. */
  abandon(batch: Batch<T>): void;
  /** `wake` is due at that time or later; earlier wishes stand. */
  wakeAt(atMs: number): void;
}

/**
 * How a batch ended, for the calls in it that are not answered yet:
 * - `complete`: as many parts came as were asked for.
 * - `broken-off`: what came whole stands, the rest is unknown.
 * - `miscounted`: the number of parts is wrong, so that none of them can be paired.
 */
export type Ending =
  | { readonly kind: 'complete' }
  | { readonly kind: 'relay'; readonly reply: Reply }
  | { readonly kind: 'broken-off' | 'miscounted'; readonly fault: Fault };
