/**
 * Counts splits. If the calls of one refused batch are sent again in two or more requests, the batch was
 * split. It counts once: when the last of its calls is sent again or ends.
 */
import type { Call, RefusedBatch } from '../state.ts';
import type { SchedulerEvents } from '../observer.ts';

/** Records that these calls of one refused batch are back in the queue. */
export function recordRefused<T>(calls: ReadonlyArray<Call<T>>): void {
  const depth = calls.reduce((most, { refusals }) => Math.max(most, refusals), 0);
  const batch: RefusedBatch = { waiting: calls.length, sizes: [], depth };
  for (const call of calls) call.refusedBatch = batch;
}

/** Records that these calls are sent in one request. Some of them were refused before. */
export function recordSent<T>(calls: ReadonlyArray<Call<T>>, events: SchedulerEvents): void {
  for (const batch of new Set(calls.map(({ refusedBatch }) => refusedBatch))) {
    batch?.sizes.push(calls.length);
  }
  for (const call of calls) recordEnded(call, events);
}

/** Records that a refused call is sent again, or ends. */
export function recordEnded<T>(call: Call<T>, events: SchedulerEvents): void {
  const { refusedBatch } = call;
  if (refusedBatch === undefined) return;
  call.refusedBatch = undefined;
  refusedBatch.waiting -= 1;
  const { waiting, sizes, depth } = refusedBatch;
  if (waiting === 0 && sizes.length > 1) events.split(depth, sizes);
}
