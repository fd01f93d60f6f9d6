/** The facts of a request to the pool that a trace shows. They are values, apart from the state of the scheduler. */
import type { Ending } from '../core/answer/ending.ts';
import { writeTraceparent } from '../core/messages/trace-context.ts';
import type { RetryReason } from '../core/schedule/observer.ts';
import type { WaitTimes } from '../core/schedule/wait-times.ts';
import type { Batch, Call, FlushReason } from '../core/schedule/state.ts';
import { batchTarget, isRefusal, routeTemplate } from '../core/ucwa/protocol.ts';
import type { SpanRef } from '../trace/spans.ts';
import type { TracedCall } from '../trace/traced-call.ts';
import type { Caller } from './caller.ts';

/** A traced call in a request. */
export interface TracedPart {
  readonly trace: TracedCall;
  readonly position: number;
  /** Number of requests with this call, this one included. */
  readonly attempts: number;
  /** Whether the call shares the part of an identical call. */
  readonly isFollower: boolean;
  readonly waits: WaitTimes;
}

export interface TracedRequest {
  readonly batchId: number;
  readonly method: string;
  readonly route: string;
  /** The host and port of the pool. */
  readonly authority: string;
  /** All calls of the request, traced or not. */
  readonly parts: number;
  readonly flushReason: FlushReason;
  /** Why the request repeats a call, if it does. */
  readonly retryReason: RetryReason | undefined;
  readonly sentAtMs: number;
  readonly calls: readonly TracedPart[];
}

export interface TracedRequestEnd {
  readonly batchId: number;
  /** Status of the answer; `undefined` if there was none. */
  readonly status: number | undefined;
  /** The fault, without an answer or with an unusable one. */
  readonly error: string | undefined;
  readonly isRefused: boolean;
  readonly atMs: number;
}

/**
 * Returns the facts about a traced call that is sent.
 *
 * @param slot the call that holds the part: the call itself or its leader
 */
export function tracedPart(
  trace: TracedCall,
  call: Call<Caller>,
  slot: Call<Caller>,
  waits: WaitTimes,
): TracedPart {
  const position = call.batch?.calls.indexOf(slot) ?? 0;
  const attempts = call.attempts + (call.original?.attempts ?? 0);
  return { trace, position, attempts, isFollower: call !== slot, waits };
}

/** Returns the facts about a request. It has at least one traced call. */
export function tracedRequest(
  batch: Batch<Caller>,
  oldest: Call<Caller>,
  calls: readonly TracedPart[],
): TracedRequest {
  const isWrapped = batch.calls.length > 1;
  return {
    batchId: batch.id,
    method: isWrapped ? 'POST' : oldest.method,
    route: routeTemplate(isWrapped ? batchTarget(oldest.key) : oldest.target),
    authority: oldest.key.authority,
    parts: batch.calls.length,
    flushReason: batch.flushReason,
    retryReason: oldest.retryReason,
    sentAtMs: batch.sentAtMs,
    calls,
  };
}

export function tracedEnd(batch: Batch<Caller>, ending: Ending, atMs: number): TracedRequestEnd {
  const { id: batchId, status } = batch;
  switch (ending.kind) {
    case 'complete':
      return { batchId, status: status ?? 200, error: undefined, isRefused: false, atMs };
    case 'relay': {
      const { reply } = ending;
      return { batchId, status: reply.status, error: undefined, isRefused: false, atMs };
    }
    case 'failure': {
      const { cause, fault, reply } = ending;
      const isRefused = cause === 'refused';
      const refusal = isRefused ? reply?.status : undefined;
      const error = refusal !== undefined && isRefusal(refusal) ? undefined : fault.name;
      return { batchId, status: reply?.status ?? status, error, isRefused, atMs };
    }
  }
}

/** Returns the field that names this span to the pool. */
export function traceField({ traceId, spanId }: SpanRef): readonly string[] {
  const parent = { traceId, parentId: spanId, isSampled: true, isRandom: false };
  return ['traceparent', writeTraceparent(parent)];
}
