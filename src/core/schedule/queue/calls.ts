import { usualUrgency } from '../../messages/urgency.ts';
import type { SentRequest } from '../estimators/learned-limit.ts';
import type { RouteLatency } from '../estimators/route-latency.ts';
import type { Arrival, Batch, Call, HeldCall, Hold, SentCall, Stream } from '../state.ts';

export function newCall<T>(
  arrival: Arrival<T>,
  stream: Stream<T>,
  route: RouteLatency,
  sequence: number,
  nowMs: number,
  deadlineAtMs: number,
  original?: Call<T>,
): HeldCall<T> {
  return {
    key: arrival.key,
    callClass: arrival.callClass,
    resource: arrival.resource,
    collapsible: arrival.collapsible,
    urgency: arrival.urgency ?? usualUrgency,
    rankMs: original === undefined ? nowMs : nowMs + original.rankMs - original.arrivedAtMs,
    method: arrival.method,
    target: arrival.target,
    headers: arrival.headers,
    body: arrival.body,
    sizeBytes: arrival.sizeBytes,
    caller: arrival.caller,
    stream,
    route,
    sequence,
    arrivedAtMs: nowMs,
    deadlineAtMs,
    stage: 'held',
    batch: undefined,
    attempts: 0,
    queuedAtMs: nowMs,
    backoffBeforeMs: stream.user.blocked.backoffMs(nowMs),
    limitBeforeMs: stream.user.blocked.limitedMs(nowMs),
    refusals: 0,
    refusedBatch: undefined,
    fallback: undefined,
    failure: undefined,
    collapseKey: undefined,
    mayRetry: true,
    retryReason: undefined,
    waits: undefined,
    hedge: undefined,
    hedgeAnswer: undefined,
    original,
    unblockedAtMs: nowMs,
    blockedBy: undefined,
    blockedGets: undefined,
    followers: undefined,
    leader: undefined,
    earlier: undefined,
    later: undefined,
  };
}

/** Forms a batch of calls that are sent now. */
export function newBatch<T>(
  id: number,
  stream: Stream<T>,
  hold: Hold & { readonly kind: 'ready' },
  calls: ReadonlyArray<Call<T>>,
  sentRequest: SentRequest,
): Batch<T> {
  const batch: Batch<T> = {
    // Field by field: a spread copy is many times slower here.
    parts: sentRequest.parts,
    outstanding: sentRequest.outstanding,
    sentAtMs: sentRequest.sentAtMs,
    probe: sentRequest.probe,
    id,
    user: stream.user,
    callClass: stream.callClass,
    calls,
    flushReason: hold.reason,
    readyAtMs: hold.sinceMs,
    takesSlot: !stream.unbatched,
    isLate: false,
    inFlight: undefined,
    server: undefined,
    latenessTimer: undefined,
    status: undefined,
    replies: [],
    waiting: 0,
    releasedEarly: false,
    settled: false,
  };
  for (const call of calls) {
    for (const waiter of waitersOf(call)) {
      moveToSent(waiter, batch);
      waiter.attempts += 1;
      waiter.fallback = undefined;
      batch.waiting += 1;
    }
  }
  return batch;
}

/** Returns a call and its followers. */
export function waitersOf<T>(call: Call<T>): ReadonlyArray<Call<T>> {
  return call.followers === undefined ? [call] : [call, ...call.followers];
}

const nobody: readonly never[] = [];

/** Returns those of them that wait for an answer from the pool. */
export function sentWaitersOf<T>(call: Call<T>): ReadonlyArray<SentCall<T>> {
  if (call.followers === undefined) return call.stage === 'sent' ? [call] : nobody;
  return waitersOf(call).filter((waiter) => waiter.stage === 'sent');
}

/** The fields that a move to another stage writes. All other code only reads them. */
interface StageFields<T> {
  stage: Call<T>['stage'];
  batch: Batch<T> | undefined;
}

export function moveToSent<T>(call: StageFields<T>, batch: Batch<T>): void {
  call.stage = 'sent';
  call.batch = batch;
}

/** For a call that waits again, because its request ended without an answer. */
export function moveToHeld<T>(call: StageFields<T>): void {
  call.stage = 'held';
  call.batch = undefined;
}

export function moveToAnswering<T>(call: SentCall<T>): void {
  const fields: StageFields<T> = call;
  fields.stage = 'answering';
}

export function moveToDone<T>(call: StageFields<T>): void {
  call.stage = 'done';
}
