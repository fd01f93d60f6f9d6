/**
 * Late batches: one whose GETs take much longer than they usually do, or than their callers can
 * wait for. Writes are never late: they could not be asked again.
 */
import { Alarms } from './alarms.ts';
import type { Batch, Call } from './call.ts';
import { travellersOf } from './call.ts';
import { RouteTimes } from './route-times.ts';

/** No batch is late before. */
const leastMs = 50;
const timesUsual = 3;
const shareOfDeadline = 0.5;

export class LateBatches<T> {
  readonly #alarms = new Alarms<Batch<T>>();
  readonly #late = new WeakSet<Batch<T>>();
  readonly #times = new RouteTimes<T>();

  get nextAtMs(): number {
    return this.#alarms.nextAtMs;
  }

  sent(batch: Batch<T>): void {
    if (batch.callClass !== 'safe' || batch.calls.length === 1) return;
    this.#alarms.add(batch, Math.min(batch.sentAtMs + leastMs, halfWay(batch, batch.calls)));
  }

  /**
   * A call of it was answered 2xx, or its answer has begun: what it took is remembered of its route.
   * Refusals come quickly, and a bad credential can have as many of them as it likes.
   */
  answered(batch: Batch<T>, call: Call<T>, nowMs: number): void {
    if (batch.callClass !== 'safe' || this.#late.has(batch)) return;
    this.#times.add(call, nowMs - batch.sentAtMs);
  }

  /** The calls that still wait in the next batch that is late; once a batch. */
  takeLate(nowMs: number): ReadonlyArray<Call<T>> | undefined {
    for (let due = this.#alarms.takeDue(nowMs); due; due = this.#alarms.takeDue(nowMs)) {
      const batch = due.what;
      if (batch.settled) continue;
      const waiting = batch.calls.filter(
        (call, index) => batch.replies[index] === undefined && travellersOf(call).length > 0,
      );
      if (waiting.length === 0) continue;
      const atMs = this.#lateAtMs(batch, waiting);
      if (atMs > nowMs) {
        this.#alarms.add(batch, atMs);
        continue;
      }
      this.#late.add(batch);
      return waiting;
    }
    return undefined;
  }

  #lateAtMs(batch: Batch<T>, waiting: ReadonlyArray<Call<T>>): number {
    let usualMs = 0;
    for (const call of waiting) {
      usualMs = Math.max(usualMs, this.#times.usualMs(call) ?? Infinity);
    }
    const atMs = batch.sentAtMs + Math.max(leastMs, usualMs * timesUsual);
    return Math.min(atMs, halfWay(batch, waiting));
  }
}

/** Half of what was left to the most impatient caller when the batch left. */
function halfWay<T>(batch: Batch<T>, calls: ReadonlyArray<Call<T>>): number {
  let leftMs = Infinity;
  for (const { deadlineAtMs } of calls) leftMs = Math.min(leftMs, deadlineAtMs - batch.sentAtMs);
  return batch.sentAtMs + leftMs * shareOfDeadline;
}
