/** What a call that leaves now has waited for since it came, or came back. */
import type { Batch, Call } from '../state.ts';

/** Milliseconds. */
export interface Waits {
  /** For companions; `undefined` for one that came back or is sent beside itself: it was counted before. */
  readonly hold: number | undefined;
  readonly order: number;
  readonly pause: number;
  readonly limit: number;
  readonly slots: number;
}

/** `slot`: the call whose part it is, the call itself or the one that it was collapsed with. */
export function waitsOf<T>(call: Call<T>, slot: Call<T>, batch: Batch<T>): Waits {
  const { sentAtMs } = batch;
  const readyAtMs = Math.max(batch.readyAtMs, call.queuedAtMs);
  const freeAtMs = Math.max(readyAtMs, slot.freeAtMs);
  let leftMs = sentAtMs - freeAtMs;
  const part = (ms: number): number => {
    const most = Math.max(0, Math.min(leftMs, ms));
    leftMs -= most;
    return most;
  };
  const { pausedMs, limitedMs } = batch.user.blocked.sums(sentAtMs);
  const pause = part(pausedMs - call.pauseBeforeMs);
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
