/** The types of the scheduler's state: calls, batches, users and streams. */
import type { BatchKey } from '../ucwa/protocol.ts';
import type { Fault } from '../messages/fault.ts';
import type { Reply } from '../messages/reply.ts';
import type { CallFailure } from '../answer/retry-table.ts';
import type { ListNode } from '../structures/linked-list.ts';
import type { ProcessTotals } from './process-totals.ts';
import type { SentRequest, LearnedLimit } from './estimators/learned-limit.ts';
import type { RetryReason } from './observer.ts';
import type { RouteLatency } from './estimators/route-latency.ts';
import type { OutgoingCall, CallClass } from '../messages/outgoing-call.ts';
import type { BlockedTime } from './estimators/blocked-time.ts';
import type { RetryBudget } from './estimators/retry-budget.ts';
import type { BatchSizeCap } from './estimators/batch-size-cap.ts';
import type { Backoff } from './estimators/backoff.ts';
import type { WaitTimes } from './wait-times.ts';

/** The facts about a call at its arrival. `T` is the engine's type for the caller that waits. */
export interface Arrival<T> extends OutgoingCall {
  readonly key: BatchKey;
  readonly callClass: CallClass;
  /** The resource that the call reads or writes: its path in lower case, without the query. */
  readonly resource: string;
  /** Whether an identical GET may share its part. */
  readonly collapsible: boolean;
  /** The urgency that the caller asked for, see `messages/urgency.ts`; `undefined` without `Priority`. */
  readonly urgency?: number | undefined;
  /** Upper bound of the bytes of the call in a batch. */
  readonly sizeBytes: number;
  readonly caller: T;
  /** The start of the call's timeout, in ms, if it waited before it was submitted. */
  readonly acceptedAtMs?: number | undefined;
}

/** The fields of a call at every stage. The comments say when a field is set. */
interface CallFacts<T> extends Arrival<T>, ListNode<Call<T>> {
  // Set at arrival, for good.
  readonly route: RouteLatency;
  /** Number of the call in order of arrival. */
  readonly sequence: number;
  readonly arrivedAtMs: number;
  readonly deadlineAtMs: number;
  /** The call that this hedged request may answer; `undefined` for the call of a client. */
  readonly original: Call<T> | undefined;

  /**
   * The urgency of the call, or that of a more urgent call that must wait for this write. See
   * `order/urgency.ts`, also for the next field.
   */
  urgency: number;
  /** The place of the call among those that wait: its arrival, earlier or later by its urgency. In ms. */
  rankMs: number;
  /** The stream of the last queueing. */
  stream: Stream<T>;

  // Set at each queueing: at arrival, and when the call is put back.
  /** Timestamp of the last queueing, in ms. */
  queuedAtMs: number;
  /** Time for which the user was blocked before `queuedAtMs`, by reason, in ms; see `blocked-time.ts`. */
  backoffBeforeMs: number;
  limitBeforeMs: number;
  /** Timestamp since when the order of writes allows the call to be sent, in ms. */
  unblockedAtMs: number;

  // Set while the call is held.
  /** The write that must be sent before this GET. */
  blockedBy: Call<T> | undefined;
  /** The GETs that wait for this write to be sent. */
  blockedGets: Set<Call<T>> | undefined;
  /** The headers that identical calls have in common, once another call has the same target. */
  collapseKey: string | undefined;
  /** Identical calls that share the part of this call, until they are done. */
  followers: Array<Call<T>> | undefined;
  /** The call that this follower shares the part of, until it is done. */
  leader: Call<T> | undefined;

  // Set when the call is sent.
  /** Number of requests in which the call was sent. */
  attempts: number;
  /** The waits before all its requests. */
  waits: WaitTimes | undefined;
  /** The hedged request for this call, if one was queued. */
  hedge: Call<T> | undefined;
  /** The answer that the hedged request brought. `isUsed`: the caller got it. */
  hedgeAnswer: { readonly by: Call<T>; readonly reply: Reply; isUsed: boolean } | undefined;

  // Set when a request of the call fails.
  /** Number of requests with this call that the pool refused. */
  refusals: number;
  /** The refused batch of the call, until the call is sent again. */
  refusedBatch: RefusedBatch | undefined;
  /** The answer for the caller if the deadline passes before a better answer comes. */
  fallback: Reply | Fault | undefined;
  /** The failure of the batch, while a hedged request is outstanding. */
  failure: CallFailure | undefined;
  /** Whether the call may be sent again after a failure. This happens once. */
  mayRetry: boolean;
  /** The reason of the retry, if the call is or was sent again. */
  retryReason: RetryReason | undefined;
}

/** The call waits in a stream for companions, for a write, or for a dispatch permit. */
export interface HeldCall<T> extends CallFacts<T> {
  readonly stage: 'held';
  readonly batch: undefined;
}

/** The last request of the call is outstanding, and the caller waits for the answer. */
export interface SentCall<T> extends CallFacts<T> {
  readonly stage: 'sent';
  readonly batch: Batch<T>;
}

/** The answer streams to the caller. */
interface AnsweringCall<T> extends CallFacts<T> {
  readonly stage: 'answering';
  readonly batch: Batch<T>;
}

/** The call was answered, failed or was canceled: before a request of it (`undefined`) or after. */
interface DoneCall<T> extends CallFacts<T> {
  readonly stage: 'done';
  readonly batch: Batch<T> | undefined;
}

/**
 * A call from its arrival to its one answer. Only the scheduler writes to it. `moveTo` in `queue/calls.ts`
 * changes the stage.
 */
export type Call<T> = HeldCall<T> | SentCall<T> | AnsweringCall<T> | DoneCall<T>;

/** Why a batch was sent: label values of `ucwa_proxy_batches_total`, a closed set. */
export const flushReasons = ['idle', 'linger', 'parts', 'bytes', 'barrier', 'drain'] as const;
export type FlushReason = (typeof flushReasons)[number];

/** A request in flight, as the engine sees it. */
export interface InFlightRequest extends ListNode<InFlightRequest> {
  readonly exchange: {
    readonly started: boolean;
    readonly isAborted: boolean;
    readonly server: string | undefined;
    abort(): void;
  };
  readonly permit: { freeSlot(): void };
}

/** One request to the pool: a batch, or a single call. */
export interface Batch<T> extends SentRequest {
  readonly id: number;
  readonly user: User<T>;
  readonly callClass: CallClass;
  /** Calls by position in the request, fixed at dispatch. A call stays in its position after its caller left. */
  readonly calls: ReadonlyArray<Call<T>>;
  readonly flushReason: FlushReason;
  /**
   * Whether the request uses a slot for batches of its user. An unbatched call does not, nor does a batch
   * that freed it.
   */
  takesSlot: boolean;
  /** Whether hedged requests were sent for some of its GETs. */
  isLate: boolean;
  /** The request in flight; `undefined` before and after. */
  inFlight: InFlightRequest | undefined;
  /** The server that got the request, once the request has ended. */
  server: string | undefined;
  /** The timer that detects lateness. */
  latenessTimer: LatenessTimer<T> | undefined;
  /** Status of an answer that streams. */
  status: number | undefined;
  /** Timestamp of the end of the hold, in ms. From then on the batch waited for a dispatch permit. */
  readonly readyAtMs: number;
  /** The answers that have come so far, by position. */
  readonly replies: Array<Reply | Fault | undefined>;
  /** Callers that still wait for an answer from this request. */
  waiting: number;
  /** Whether an answer was released before the count of parts was known. */
  releasedEarly: boolean;
  settled: boolean;
}

/** One exact set of credentials at the pool. All counts and bounds are per user. */
export interface User<T> extends ListNode<User<T>> {
  /** The credentials themselves. Never shown. */
  readonly name: string;
  readonly streams: Array<Stream<T>>;
  readonly order: Order<T>;
  readonly learned: LearnedState;
  /** Whether a call of the user had an urgency. */
  hasUrgencies: boolean;
  /** The shares of its devices; `undefined` if no two devices compete. */
  shares: DeviceShares<T> | undefined;
  /** Calls that were accepted and have not ended. */
  calls: number;
  bytes: number;
  /** Calls that the pool works on: parts, including those without a caller, and pass-through calls. */
  outstanding: number;
  /** Long polls among the outstanding calls. */
  polls: number;
  /** Timestamp of the last pass-through call other than a poll, in ms. */
  passedThroughAtMs: number;
  /** Retry budget of the user. */
  readonly retryBudget: RetryBudget;
  readonly blocked: BlockedTime;
  /** Time of the next capacity check that is scheduled, in ms. */
  nextCheckAtMs: number;
  /** Until this time its calls are sent unbatched, because its applications have no batch resource. */
  unbatchedUntilMs: number;
  /** Whether the pool has ever answered this credential with 2xx. Before that, nothing about it is kept. */
  proved: boolean;
  /** Timestamp since when the user has nothing in flight; `undefined` while it has. */
  idleSinceMs: number | undefined;
}

/** The state that the proxy keeps of an idle user. */
export interface LearnedState {
  /** Holds in a row that brought no companion. */
  fruitlessHolds: number;
  /** Timestamp of the last call of each class, in ms. */
  readonly lastArrivalMs: { safe: number | undefined; unsafe: number | undefined };
  /** Length of the current burst of each class: calls that came closely enough to share a batch. */
  readonly burstLength: { safe: number; unsafe: number };
  limit: LearnedLimit;
  readonly batchSizeCap: BatchSizeCap;
  readonly backoff: Backoff;
}

/** The learned state of idle users, in a bounded memory. The schedulers of several pools may share it. */
export interface UserMemory {
  /** Counts over the schedulers that share the memory. Without it, each scheduler counts for itself. */
  readonly totals?: ProcessTotals;
  take(name: string): LearnedState | undefined;
  keep(name: string, learned: LearnedState): void;
  readonly size: number;
}

/** Calls of one key and class that may share a batch. The hold belongs to the stream. */
export interface Stream<T> {
  readonly user: User<T>;
  readonly key: BatchKey;
  readonly callClass: CallClass;
  /** Whether its calls are sent unbatched, without slots for batches of their user. */
  readonly unbatched: boolean;
  /** Calls in order of arrival, without the followers of other calls. */
  readonly queue: Array<Call<T>>;
  queuedBytes: number;
  hold: Hold;
}

/**
 * - `empty`: the stream has no calls.
 * - `arriving`: the end of the event-loop turn decides for all calls that arrive in this turn.
 * - `holding`: the calls wait for companions until `untilMs`.
 * - `ready`: the stream waits for a dispatch permit. Calls that may be sent then are sent.
 */
export type Hold =
  | { readonly kind: 'empty' }
  | { readonly kind: 'arriving' }
  | { readonly kind: 'holding'; readonly untilMs: number }
  | {
      readonly kind: 'ready';
      readonly reason: FlushReason;
      readonly sinceMs: number;
      /** Whether calls were held for companions before. */
      readonly held: boolean;
    };

/** Connects a lateness timer with its batch. The batch can be collected as soon as it has ended. */
export interface LatenessTimer<T> {
  batch: Batch<T> | undefined;
}

/** The calls of one refused batch, until all of them were sent again or ended. */
export interface RefusedBatch {
  /** Calls that were not sent again. */
  waiting: number;
  /** Parts of each request in which some of the calls were sent again. */
  readonly sizes: number[];
  /** The number of refusals of its most refused call. */
  readonly depth: number;
}

/** How many calls each device of a user has sent. `queue/device-shares.ts` describes the methods. */
export interface DeviceShares<T> {
  inTurn(ready: ReadonlyArray<Stream<T>>): ReadonlyArray<Stream<T>>;
  sent(stream: Stream<T>, parts: number): void;
  readonly isEven: boolean;
}

/** The order of one user's writes. `order/write-order.ts` describes the methods. */
export interface Order<T> {
  arrive(call: Call<T>): ReadonlyArray<Call<T>>;
  rejoin(call: Call<T>, but?: Call<T>): void;
  forget(call: Call<T>): void;
  allows(call: Call<T>): boolean;
  hasWriteSince(call: Call<T>): boolean;
  writesTo(resource: string): ReadonlyArray<Call<T>>;
  sent(write: Call<T>, nowMs: number): boolean;
  requeued(write: Call<T>, held: Iterable<Call<T>>): void;
  ended(write: Call<T>, nowMs: number): boolean;
}
