/** Measures how long calls wait between their queueing and their dispatch. */
import type { Batch, Call } from '../state.ts';
import type { WaitTimes } from '../wait-times.ts';

/**
 * Returns the wait times of a call that is sent now, and adds them to those of its earlier requests.
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
  const waits = {
    hold:
      call.attempts === 1 && call.original === undefined ? readyAtMs - call.queuedAtMs : undefined,
    order: freeAtMs - readyAtMs,
    pause,
    limit,
    slots: leftMs,
  };
  call.waits = call.waits === undefined ? waits : sumOf(call.waits, waits);
  return waits;
}

function sumOf(earlier: WaitTimes, last: WaitTimes): WaitTimes {
  return {
    hold: earlier.hold,
    order: earlier.order + last.order,
    pause: earlier.pause + last.pause,
    limit: earlier.limit + last.limit,
    slots: earlier.slots + last.slots,
  };
}
