/** The types of the scheduler's state: calls, batches, users and streams. */
import type { BatchKey } from '../ucwa/protocol.ts';
import type { Fault } from '../messages/fault.ts';
import type { Reply } from '../messages/reply.ts';
import type { Upset } from '../answer/retry-table.ts';
import type { Listed } from '../structures/linked-list.ts';
import type { Travelled, LearnedLimit } from './estimators/learned-limit.ts';
import type { RepeatReason } from './observer.ts';
import type { RouteTime } from './estimators/route-latency.ts';
import type { OutgoingCall, CallClass } from '../messages/outgoing-call.ts';
import type { BlockedTime } from './estimators/blocked-time.ts';
import type { Budget } from './estimators/retry-budget.ts';
import type { Lateness } from './estimators/batch-size-cap.ts';
import type { Pause } from './estimators/backoff.ts';

/** What the shell says of a call that arrived; `T` is its own handle for the caller who waits. */
export interface Arrival<T> extends OutgoingCall {
  readonly key: BatchKey;
  readonly callClass: CallClass;
  /** What it reads or writes: its path, in lower case, without the query. */
  readonly resource: string;
  /** Whether another GET that is identical may share its part. */
  readonly collapsible: boolean;
  /** Bytes that the call will take in a batch, at most. */
  readonly sizeBytes: number;
  readonly ticket: T;
}

/**
 * - `held`: waits in its stream, for companions, for its turn or for a departure.
 * - `sent`: travels, and its caller waits for the answer.
 * - `answering`: its answer has begun to stream to the caller.
 * - `done`: answered, failed, or its caller left.
 */
type Stage = 'held' | 'sent' | 'answering' | 'done';

/** A call from its arrival to its one answer. Only the scheduler writes to it. */
export interface Call<T> extends Arrival<T>, Listed<Call<T>> {
  stream: Stream<T>;
  readonly route: RouteTime;
  /** Counts arrivals. */
  readonly sequence: number;
  readonly arrivedAtMs: number;
  readonly deadlineAtMs: number;
  stage: Stage;
  /** The last one that it travelled in. */
  batch: Batch<T> | undefined;
  /** Requests that it left in. */
  attempts: number;
  /** When it came, or came back. */
  queuedAtMs: number;
  /** What its user had been kept back for by then; see `blocked-time`. */
  pauseBeforeMs: number;
  limitBeforeMs: number;
  /** Of the requests that it left in, those that the pool refused. */
  refusals: number;
  /** Until it leaves again. */
  refusedBatch: RefusedBatch | undefined;
  /** What its caller gets when the time is up before an answer comes. */
  fallback: Reply | Fault | undefined;
  /** Why its batch had no answer for it, while another request for it is out. */
  upset: Upset | undefined;
  /** Whether it may be sent again after a fault; that happens once. */
  mayRepeat: boolean;
  /** Why it is, or was, sent again. */
  repeated: RepeatReason | undefined;
  /** Sent beside it, since its batch is late; whichever is answered first is the answer. */
  repeat: Call<T> | undefined;
  /** The call that it is sent beside. */
  readonly original: Call<T> | undefined;
  /** When the order of writes stopped keeping it back. */
  freeAtMs: number;
  /** The write that has to leave first. */
  behind: Call<T> | undefined;
  /** Of a write: the GETs that wait for it to leave. */
  overtakers: Set<Call<T>> | undefined;
  /** What an identical call has in common with it, once somebody asked. */
  collapseKey: string | undefined;
  /** Identical calls that share its part. */
  followers: Array<Call<T>> | undefined;
  /** The call whose part it shares. */
  leader: Call<T> | undefined;
}

/** Why a batch left: label values of `ucwa_proxy_batches_total`, a closed set. */
export const flushReasons = ['idle', 'linger', 'parts', 'bytes', 'barrier', 'drain'] as const;
export type FlushReason = (typeof flushReasons)[number];

/** A request that is out, as the shell sees it. */
export interface Journey extends Listed<Journey> {
  readonly exchange: { readonly started: boolean; readonly isAborted: boolean; abort(): void };
  readonly permit: { freeSlot(): void };
}

/** One request to the pool: a batch, or a call that travels alone when it is the only one. */
export interface Batch<T> extends Travelled {
  readonly id: number;
  readonly user: User<T>;
  readonly callClass: CallClass;
  /** Slots: fixed when the batch is formed. A caller who leaves stays as a tombstone. */
  readonly calls: ReadonlyArray<Call<T>>;
  readonly flushReason: FlushReason;
  /** Whether it keeps others of its user from leaving: it does not go solo, and is not overdue. */
  takesSlot: boolean;
  /** Whether GETs of it were asked again beside it. */
  isLate: boolean;
  /** What carries it. */
  journey: Journey | undefined;
  /** What rings when it is late. */
  watch: Watch<T> | undefined;
  /** Of an answer that streams. */
  status: number | undefined;
  /** When the hold ended; from then on the batch waited for its departure. */
  readonly readyAtMs: number;
  /** What has come so far, by position. */
  readonly replies: Array<Reply | Fault | undefined>;
  /** Callers who still wait for an answer from it. */
  waiting: number;
  /** Whether an answer was released before the count was confirmed. */
  releasedEarly: boolean;
  settled: boolean;
}

/** One exact credential at the pool: what is counted and bounded is counted for it. */
export interface User<T> extends Listed<User<T>> {
  /** The credential itself. Never shown. */
  readonly name: string;
  readonly streams: Array<Stream<T>>;
  readonly order: Order<T>;
  readonly learnt: Learnt;
  /** Accepted and not yet answered. */
  calls: number;
  bytes: number;
  /** Calls that the pool works on: parts, those whose callers left included, and what passed us by. */
  outstanding: number;
  /** Of these, long polls. */
  polls: number;
  /** When something that was no poll last passed us by. */
  passedThroughAtMs: number;
  /** Of calls that are sent again after faults. */
  readonly budget: Budget;
  readonly blocked: BlockedTime;
  /** When to ask again whether somebody may leave. */
  retryAtMs: number;
  /** The pool has no batch resource for his applications; until then his calls travel singly. */
  singlyUntilMs: number;
  /** Whether the pool ever answered this credential with 2xx; until then nothing of it is kept. */
  proved: boolean;
  /**
   * When the user was last seen with nothing in flight; `undefined` while something is. Stays as it was
   * when only what was learnt is kept: whoever comes then is another object.
   */
  idleSinceMs: number | undefined;
}

/** What is remembered of a user who is away. */
export interface Learnt {
  /** Holds in a row that brought no companion. */
  fruitlessHolds: number;
  /** Of the last call of each class. */
  readonly lastArrivalMs: { safe: number | undefined; unsafe: number | undefined };
  /** Calls of each class that came so soon behind each other that they could share a batch. */
  readonly runLength: { safe: number; unsafe: number };
  limit: LearnedLimit;
  readonly lateness: Lateness;
  readonly pause: Pause;
}

/** Where what was learnt of idle users is kept: bounded, forgetting. */
export interface UserMemory {
  take(name: string): Learnt | undefined;
  keep(name: string, learnt: Learnt): void;
  readonly size: number;
}

/** Calls of one key and class that may leave together; the hold is the stream's. */
export interface Stream<T> {
  readonly user: User<T>;
  readonly key: BatchKey;
  readonly callClass: CallClass;
  /** Its calls leave one by one, and wait for no other departure of their user. */
  readonly solo: boolean;
  /** In order of arrival; followers of another call are not in it. */
  readonly queue: Array<Call<T>>;
  queuedBytes: number;
  hold: Hold;
}

/**
 * - `empty`: nobody waits.
 * - `arriving`: what arrives in this turn of the event loop is judged together, at its end.
 * - `holding`: the calls wait for companions until `untilMs`.
 * - `ready`: a departure was asked for; whoever may leave when it is granted leaves.
 */
export type Hold =
  | { readonly kind: 'empty' }
  | { readonly kind: 'arriving' }
  | { readonly kind: 'holding'; readonly untilMs: number }
  | {
      readonly kind: 'ready';
      readonly reason: FlushReason;
      readonly sinceMs: number;
      /** Whether anybody was made to wait before. */
      readonly held: boolean;
    };

/** What rings for a batch that may be over by then, and must not be kept for that. */
export interface Watch<T> {
  batch: Batch<T> | undefined;
}

/** The calls of one refused batch, until they have left again. */
export interface RefusedBatch {
  /** Calls that have not. */
  waiting: number;
  /** Parts of each request that some of them left in. */
  readonly sizes: number[];
  /** How often the most refused of them has been refused. */
  readonly depth: number;
}

/** The order of one user's writes. `order/write-order.ts` describes the methods. */
export interface Order<T> {
  arrive(call: Call<T>): ReadonlyArray<Call<T>>;
  rejoin(call: Call<T>, but?: Call<T>): void;
  forget(call: Call<T>): void;
  lets(call: Call<T>): boolean;
  hasWriteSince(call: Call<T>): boolean;
  left(write: Call<T>, nowMs: number): boolean;
  returned(write: Call<T>, held: Iterable<Call<T>>): void;
  over(write: Call<T>, nowMs: number): boolean;
}
