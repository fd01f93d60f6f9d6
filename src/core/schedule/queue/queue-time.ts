/** The wait times of a call between its last queueing and its dispatch. */
import type { Batch, Call } from '../state.ts';

/** In ms. */
export interface WaitTimes {
  /** The wait for companions; `undefined` for a retry or a hedged request, because it was counted before. */
  readonly hold: number | undefined;
  readonly order: number;
  readonly pause: number;
  readonly limit: number;
  readonly slots: number;
}

/**
 * Returns the wait times of a call that is sent now.
 *
 * @param slot the call that holds the part: the call itself or its leader
 */
export function waitTimesOf<T>(call: Call<T>, slot: Call<T>, batch: Batch<T>): WaitTimes {
  const { sentAtMs } = batch;
  const readyAtMs = Math.max(batch.readyAtMs, call.queuedAtMs);
  const freeAtMs = Math.max(readyAtMs, slot.unblockedAtMs);
  let leftMs = sentAtMs - freeAtMs;
  const part = (ms: number): number => {
    const most = Math.max(0, Math.min(leftMs, ms));
    leftMs -= most;
    return most;
  };
  const { backoffMs, limitedMs } = batch.user.blocked.sums(sentAtMs);
  const pause = part(backoffMs - call.backoffBeforeMs);
  const limit = part(limitedMs - call.limitBeforeMs);
  return {
    hold:
      call.attempts === 1 && call.original === undefined ? readyAtMs - call.queuedAtMs : undefined,
    order: freeAtMs - readyAtMs,
    pause,
    limit,
    slots: leftMs,
  };
}
