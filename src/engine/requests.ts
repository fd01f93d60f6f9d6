/** The HTTP requests for the calls of a batch. */
import type { Batch, Call } from '../core/schedule/state.ts';
import { encodeWith } from '../core/wire/batch-encoder.ts';
import type { ExchangeRequest } from '../upstream/exchange.ts';
import type { SpanRef } from '../trace/spans.ts';
import type { Caller } from './caller.ts';
import { headerValue } from '../core/messages/http-message.ts';
import { singleHeaders } from '../core/messages/forwarded-headers.ts';
import { envelopeHeaders, batchTarget } from '../core/ucwa/protocol.ts';
import type { EngineObserver } from './observer.ts';
import type { RequestWatch } from './request-watch.ts';
import { takeRepetitions } from '../core/schedule/ending/retries.ts';
import { waitersOf } from '../core/schedule/queue/calls.ts';
import { waitTimesOf } from '../core/schedule/queue/queue-time.ts';
import { traceField, type TracedPart, tracedPart, tracedRequest } from './traced-request.ts';

export function oldestOf({ calls: [oldest] }: Batch<Caller>): Call<Caller> {
  if (oldest === undefined) throw new Error('a batch without calls');
  return oldest;
}

/** Whether the answer may stream: the request has one caller, and is not a hedged request. */
export function canStream({ calls: [call, other] }: Batch<Caller>): boolean {
  return other === undefined && call?.followers === undefined && call?.original === undefined;
}

/** @param batch a request with one call */
export function singleRequest(batch: Batch<Caller>): ExchangeRequest {
  const call = oldestOf(batch);
  const { method, target, body } = call;
  const { user } = call.stream;
  const span = spanOf(batch);
  const headers = singleHeaders(call);
  // The call keeps a `traceparent` of its client.
  if (span !== undefined && headerValue(call.headers, 'traceparent') === undefined)
    headers.push(...traceField(span));
  const isSafe = call.callClass === 'safe';
  const isRetry = call.retryReason !== undefined;
  const takeRepetition = (): boolean => takeRepetitions(batch);
  return { method, target, headers, body, user, isSafe, isRetry, takeRepetition };
}

function batchRequest(batch: Batch<Caller>, nextBoundary: () => string): ExchangeRequest {
  const oldest = oldestOf(batch);
  const span = spanOf(batch);
  const { boundary, body } = encodeWith(nextBoundary, batch.calls);
  const headers = envelopeHeaders(oldest, boundary);
  if (span !== undefined) headers.push(...traceField(span));
  const target = batchTarget(oldest.key);
  const { user } = oldest.stream;
  const isSafe = batch.callClass === 'safe';
  const takeRepetition = (): boolean => takeRepetitions(batch);
  return { method: 'POST', target, headers, body, user, isSafe, isRetry: false, takeRepetition };
}

/** Returns the span of a request that is sent now; `undefined` if none of its calls is traced. */
function spanOf({ calls }: Batch<Caller>): SpanRef | undefined {
  for (const { caller, followers } of calls) {
    const trace =
      caller.trace ?? followers?.find((follower) => follower.caller.trace)?.caller.trace;
    if (trace !== undefined) return trace.lastRequest?.span;
  }
  return undefined;
}

/** Reports how long each call of the batch waited, and that a request with these calls is sent. */
export function observeCalls(
  batch: Batch<Caller>,
  observer: EngineObserver,
  watch?: RequestWatch,
): void {
  let newCalls = 0;
  let traced: TracedPart[] | undefined;
  for (const slot of batch.calls) {
    for (const call of waitersOf(slot)) {
      const waits = waitTimesOf(call, slot, batch);
      observer.callSent(waits);
      if (call !== slot) observer.collapsed();
      if (call.attempts === 1 && call.original === undefined) newCalls += 1;
      const { trace } = call.caller;
      if (trace !== undefined) (traced ??= []).push(tracedPart(trace, call, slot, waits));
    }
  }
  observer.requestSent(newCalls);
  if (traced !== undefined) observer.tracedSent?.(tracedRequest(batch, oldestOf(batch), traced));
  watch?.sent(batch);
}

/** Returns the request for a batch. A batch of one part needs no envelope. */
export function requestFor(batch: Batch<Caller>, nextBoundary: () => string): ExchangeRequest {
  return batch.calls.length === 1 ? singleRequest(batch) : batchRequest(batch, nextBoundary);
}
