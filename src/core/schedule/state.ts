import type { BatchKey } from '../ucwa/batch-key.ts';
import type { Fault } from '../messages/fault.ts';
import type { Reply } from '../messages/reply.ts';
import type { Upset } from '../answer/retry-table.ts';
import type { OutgoingCall } from '../wire/batch-encoder.ts';
import type { Listed } from '../structures/linked-list.ts';
import type { Watch } from './slow/hedging.ts';
import type { Travelled } from './estimators/learned-limit.ts';
import type { RepeatReason } from './observer.ts';
import type { RouteTime } from './estimators/route-latency.ts';
import type { RefusedBatch } from './queue/split-stats.ts';
import type { Hold, Stream, User } from './user.ts';

/**
 * - `safe`: a GET; it may be asked again.
 * - `unsafe`: a POST, PUT or DELETE.
 * - `operation`: a POST that starts an operation; it is never held, and leaves alone.
 */
export type CallClass = 'safe' | 'unsafe' | 'operation';

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

/** A call and those that share its part. */
export function waitersOf<T>(call: Call<T>): ReadonlyArray<Call<T>> {
  return call.followers === undefined ? [call] : [call, ...call.followers];
}

const nobody: readonly never[] = [];

/** Those of them who wait for an answer that travels. */
export function travellersOf<T>(call: Call<T>): ReadonlyArray<Call<T>> {
  if (call.followers === undefined) return call.stage === 'sent' ? [call] : nobody;
  return waitersOf(call).filter(({ stage }) => stage === 'sent');
}

export function newCall<T>(
  arrival: Arrival<T>,
  stream: Stream<T>,
  route: RouteTime,
  sequence: number,
  nowMs: number,
  deadlineAtMs: number,
  original?: Call<T>,
): Call<T> {
  return {
    key: arrival.key,
    callClass: arrival.callClass,
    resource: arrival.resource,
    collapsible: arrival.collapsible,
    method: arrival.method,
    target: arrival.target,
    headers: arrival.headers,
    body: arrival.body,
    sizeBytes: arrival.sizeBytes,
    ticket: arrival.ticket,
    stream,
    route,
    sequence,
    arrivedAtMs: nowMs,
    deadlineAtMs,
    stage: 'held',
    batch: undefined,
    attempts: 0,
    queuedAtMs: nowMs,
    pauseBeforeMs: stream.user.blocked.pausedMs(nowMs),
    limitBeforeMs: stream.user.blocked.limitedMs(nowMs),
    refusals: 0,
    refusedBatch: undefined,
    fallback: undefined,
    upset: undefined,
    collapseKey: undefined,
    mayRepeat: true,
    repeated: undefined,
    repeat: undefined,
    original,
    freeAtMs: nowMs,
    behind: undefined,
    overtakers: undefined,
    followers: undefined,
    leader: undefined,
    earlier: undefined,
    later: undefined,
  };
}

/** Seals these calls into a batch that leaves now. */
export function newBatch<T>(
  id: number,
  stream: Stream<T>,
  hold: Hold & { readonly kind: 'ready' },
  calls: ReadonlyArray<Call<T>>,
  travelled: Travelled,
): Batch<T> {
  const batch: Batch<T> = {
    // Field by field: a spread copy is many times slower here.
    parts: travelled.parts,
    outstanding: travelled.outstanding,
    sentAtMs: travelled.sentAtMs,
    probe: travelled.probe,
    id,
    user: stream.user,
    callClass: stream.callClass,
    calls,
    flushReason: hold.reason,
    readyAtMs: hold.sinceMs,
    takesSlot: !stream.solo,
    isLate: false,
    journey: undefined,
    watch: undefined,
    status: undefined,
    replies: [],
    waiting: 0,
    releasedEarly: false,
    settled: false,
  };
  for (const call of calls) {
    for (const waiter of waitersOf(call)) {
      waiter.stage = 'sent';
      waiter.batch = batch;
      waiter.attempts += 1;
      waiter.fallback = undefined;
      batch.waiting += 1;
    }
  }
  return batch;
}
