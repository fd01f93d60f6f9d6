import type { Failure } from '../messages/fault.ts';
import type { Reply } from '../messages/reply.ts';
import type { Batch, Call, User } from './state.ts';
import type { Notes } from './observer.ts';

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
