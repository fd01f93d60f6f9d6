/**
 * Splits: what was refused as one batch and has left again in two or more requests. A batch counts
 * once, when the last of its calls has left again, or ended otherwise.
 */
import type { Call, RefusedBatch } from '../state.ts';
import type { Notes } from '../observer.ts';

/** These calls of one batch are back in the queue. */
export function noteRefused<T>(calls: ReadonlyArray<Call<T>>): void {
  const depth = calls.reduce((most, { refusals }) => Math.max(most, refusals), 0);
  const batch: RefusedBatch = { waiting: calls.length, sizes: [], depth };
  for (const call of calls) call.refusedBatch = batch;
}

/** These calls, some of which were refused, leave in one request. */
export function noteLeft<T>(calls: ReadonlyArray<Call<T>>, notes: Notes): void {
  for (const batch of new Set(calls.map(({ refusedBatch }) => refusedBatch))) {
    batch?.sizes.push(calls.length);
  }
  for (const call of calls) noteOver(call, notes);
}

/** The call has left, or never will. */
export function noteOver<T>(call: Call<T>, notes: Notes): void {
  const { refusedBatch } = call;
  if (refusedBatch === undefined) return;
  call.refusedBatch = undefined;
  refusedBatch.waiting -= 1;
  const { waiting, sizes, depth } = refusedBatch;
  if (waiting === 0 && sizes.length > 1) notes.split(depth, sizes);
}
