/** Describes how the proxy handled a call, for the log and for `explain`. Nothing of the call itself is in it. */
import type { Call, FlushReason } from '../state.ts';
import type { RetryReason } from '../observer.ts';
import type { WaitTimes } from '../wait-times.ts';

/** Times are in ms. */
export interface Handling {
  /** The request that brought the answer, or the last one. */
  readonly batchId: number;
  /** Number of calls in that request. */
  readonly parts: number;
  /** Place of the call in that request, from 0. */
  readonly position: number;
  readonly flushReason: FlushReason;
  /** Number of requests in which the call was sent, hedged requests included. */
  readonly attempts: number;
  /** Why the call was sent again; `undefined` if it was sent once, or if the pool refused its earlier requests. */
  readonly retry: RetryReason | undefined;
  /** Number of requests with this call that the pool refused. */
  readonly refusals: number;
  /** Whether an identical call shared its part. */
  readonly isCollapsed: boolean;
  readonly waits: WaitTimes;
  /** Time from the first request of a late call until the hedged request was sent. */
  readonly lateMs: number;
  readonly sentAtMs: number;
  /** See `Exchange.server`. */
  readonly server: string | undefined;
}

const noWaits: WaitTimes = { hold: 0, order: 0, pause: 0, limit: 0, slots: 0 };

/** Returns `undefined` for a call that was never sent. */
export function handlingOf<T>(call: Call<T>): Handling | undefined {
  const { hedgeAnswer, batch: own } = call;
  const hedge = hedgeAnswer?.isUsed === true ? hedgeAnswer.by : undefined;
  const batch = hedge?.batch ?? own;
  if (batch === undefined) return undefined;
  const slot = call.leader ?? call;
  return {
    batchId: batch.id,
    parts: batch.calls.length,
    position: Math.max(0, batch.calls.indexOf(hedge ?? slot)),
    flushReason: batch.flushReason,
    attempts: call.attempts + ((hedge ?? slot.hedge)?.attempts ?? 0),
    retry: hedge === undefined ? slot.retryReason : 'late',
    refusals: slot.refusals,
    isCollapsed: call.leader !== undefined,
    waits: call.waits ?? noWaits,
    lateMs: hedge === undefined || own === undefined ? 0 : batch.sentAtMs - own.sentAtMs,
    sentAtMs: batch.sentAtMs,
    server: batch.inFlight?.exchange.server ?? batch.server,
  };
}
