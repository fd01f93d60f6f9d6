import type { Failure } from '../messages/fault.ts';
import type { Reply } from '../messages/reply.ts';
import type { Batch, Call, User } from './state.ts';
import type { SchedulerEvents } from './observer.ts';

export interface Sink<T> {
  readonly events: SchedulerEvents;
  /**
   * Asks for a dispatch permit of that user. `dispatch(user, unbatched)` follows when the permit is granted.
   * Unbatched calls (operations, retries) have permits of their own.
   */
  requestPermit(user: User<T>, unbatched: boolean): void;
  send(batch: Batch<T>): void;
  answer(call: Call<T>, reply: Reply): void;
  fail(call: Call<T>, failure: Failure): void;
  /** Frees the slot of a batch that takes long, so that another one of its user may be sent. */
  freeSlot(batch: Batch<T>): void;
  /** Aborts a batch of safe calls that no caller waits for. */
  abandon(batch: Batch<T>): void;
  /** `wake` is due at that time or later. Earlier times that were asked for remain due. */
  wakeAt(atMs: number): void;
}
