import { type BatchKey } from '../admit/batch-key.ts';
import { type OutgoingCall } from '../wire/encode-batch.ts';
import { type Stream, type User } from './user.ts';

/** What the shell says of a call that arrived; `T` is its own handle for the caller who waits. */
export interface Arrival<T> extends OutgoingCall {
  readonly key: BatchKey;
  /** Bytes that the call will take in a batch, at most. */
  readonly sizeBytes: number;
  readonly ticket: T;
}

/**
 * - `held`: waits in its stream, for companions or for a departure.
 * - `sent`: travels, and its caller waits for the answer.
 * - `answering`: its answer has begun to stream to the caller.
 * - `done`: answered, failed, or its caller left.
 */
type Stage = 'held' | 'sent' | 'answering' | 'done';

/** A call from its arrival to its one answer. Only the scheduler writes to it. */
export interface Call<T> extends Arrival<T> {
  readonly stream: Stream<T>;
  readonly arrivedAtMs: number;
  readonly deadlineAtMs: number;
  stage: Stage;
  /** While it travels. */
  batch: Batch<T> | undefined;
  /** Neighbours in the list of deadlines. */
  earlier: Call<T> | undefined;
  later: Call<T> | undefined;
}

/** Why a batch left: label values of `ucwa_proxy_batches_total`, a closed set. */
export const flushReasons = ['linger', 'parts', 'bytes', 'idle', 'drain'] as const;
export type FlushReason = (typeof flushReasons)[number];

/** One request to the pool: a batch, or a call that travels alone when it is the only one. */
export interface Batch<T> {
  readonly id: number;
  readonly user: User<T>;
  /** Slots: fixed when the batch is formed. A caller who leaves stays as a tombstone. */
  readonly calls: ReadonlyArray<Call<T>>;
  readonly flushReason: FlushReason;
  /** When the hold ended; from then on the batch waited for its departure. */
  readonly readyAtMs: number;
  readonly sentAtMs: number;
  /** Callers who still wait for an answer from it. */
  waiting: number;
}
