import type { Travelled } from '../estimators/learned-limit.ts';
import type { RouteTime } from '../estimators/route-latency.ts';
import type { Arrival, Stream, Call, Hold, Batch } from '../state.ts';

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

/** Forms a batch of calls that are sent now. */
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

/** Returns a call and its followers. */
export function waitersOf<T>(call: Call<T>): ReadonlyArray<Call<T>> {
  return call.followers === undefined ? [call] : [call, ...call.followers];
}

const nobody: readonly never[] = [];

/** Returns those of them that wait for an answer from the pool. */
export function travellersOf<T>(call: Call<T>): ReadonlyArray<Call<T>> {
  if (call.followers === undefined) return call.stage === 'sent' ? [call] : nobody;
  return waitersOf(call).filter(({ stage }) => stage === 'sent');
}
