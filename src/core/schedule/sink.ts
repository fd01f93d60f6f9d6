import type { Fault } from '../messages/fault.ts';
import type { Reply } from '../messages/reply.ts';
import type { Trouble } from '../answer/retry-table.ts';
import type { Batch, Call } from './state.ts';
import type { Notes } from './observer.ts';
import type { User } from './user.ts';

/**
 * Why a call got no answer from the pool:
 * - `never-sent`: it waited until its deadline, or until the end of the shutdown.
 * - `late`: it was sent, and the answer did not come in time.
 */
export type Failure = Fault | 'never-sent' | 'late';

export interface Sink<T> {
  readonly notes: Notes;
  /**
   * Asks for a departure of that user: `depart(user, solo)` follows when it is granted. What goes
   * solo (operations, repeats) waits for no other departure of its user.
   */
  permit(user: User<T>, solo: boolean): void;
  send(batch: Batch<T>): void;
  answer(call: Call<T>, reply: Reply): void;
  fail(call: Call<T>, failure: Failure): void;
  /** That batch takes long: others of its user may leave in its place. */
  freeSlot(batch: Batch<T>): void;
  /** Nobody waits for that batch any more; it holds only safe calls and may be broken off. */
  abandon(batch: Batch<T>): void;
  /** `wake` is due at that time or later; earlier wishes stand. */
  wakeAt(atMs: number): void;
}

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

/** Asks for departures for whoever of a user is ready; who goes solo is first in line. */
export function permitReady<T>(user: User<T>, sink: Pick<Sink<T>, 'permit'>): void {
  let batch = false;
  for (const { hold, solo } of user.streams) {
    if (hold.kind !== 'ready') continue;
    if (solo) sink.permit(user, true);
    else batch = true;
  }
  if (batch) sink.permit(user, false);
}
