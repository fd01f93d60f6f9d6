/**
 * Counts splits. If the calls of one refused batch are sent again in two or more requests, the batch was
 * split. It counts once: when the last of its calls is sent again or ends.
 */
import type { Call, RefusedBatch } from '../state.ts';
import type { Notes } from '../observer.ts';

/** Records that these calls of one refused batch are back in the queue. */
export function noteRefused<T>(calls: ReadonlyArray<Call<T>>): void {
  const depth = calls.reduce((most, { refusals }) => Math.max(most, refusals), 0);
  const batch: RefusedBatch = { waiting: calls.length, sizes: [], depth };
  for (const call of calls) call.refusedBatch = batch;
}

/** Records that these calls are sent in one request. Some of them were refused before. */
export function noteLeft<T>(calls: ReadonlyArray<Call<T>>, notes: Notes): void {
  for (const batch of new Set(calls.map(({ refusedBatch }) => refusedBatch))) {
    batch?.sizes.push(calls.length);
  }
  for (const call of calls) noteOver(call, notes);
}

/** Records that a refused call is sent again, or ends. */
export function noteOver<T>(call: Call<T>, notes: Notes): void {
  const { refusedBatch } = call;
  if (refusedBatch === undefined) return;
  call.refusedBatch = undefined;
  refusedBatch.waiting -= 1;
  const { waiting, sizes, depth } = refusedBatch;
  if (waiting === 0 && sizes.length > 1) notes.split(depth, sizes);
}
