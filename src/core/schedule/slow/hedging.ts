/**
 * Hedging: requests that take longer than they should. A call is late if it waits much longer than its route
 * usually takes, or for half of its remaining time. The scheduler sends late GETs of a batch again, beside
 * the batch. It never does so for writes. A request that takes much longer than most frees its slot, so that
 * other calls of its user do not wait for it.
 */
import { TimerHeap } from '../../structures/timer-heap.ts';
import type { Batch, Call, LatenessTimer } from '../state.ts';
import type { SlowRoutes } from './slow-routes.ts';
import { sentWaitersOf } from '../queue/calls.ts';

/** No call is late earlier than this. */
const leastMs = 50;
const timesUsual = 3;
const shareOfDeadline = 0.5;

export interface LateBatch<T> {
  readonly batch: Batch<T>;
  /** GETs to send again. Empty if the batch only frees its slot. */
  readonly calls: ReadonlyArray<Call<T>>;
  /** Whether these are the first late calls of the batch. */
  readonly isNew: boolean;
  /** Whether the batch frees its slot. */
  readonly freesSlot: boolean;
}

export class Hedging<T> {
  readonly #timers = new TimerHeap<LatenessTimer<T>>();
  /** Late batches with the time of detection. Either one call in the batch is slow, or the whole pool is. */
  #suspects: Array<{ readonly batch: Batch<T>; readonly sinceMs: number }> = [];
  readonly #routes: SlowRoutes;

  constructor(routes: SlowRoutes) {
    this.#routes = routes;
  }

  get nextAtMs(): number {
    return this.#timers.nextAtMs;
  }

  /** Returns the time at which the batch may be late, in ms; `Infinity` for a batch that is not watched. */
  watch(batch: Batch<T>): number {
    if (!batch.takesSlot) return Infinity;
    let atMs = batch.sentAtMs + leastMs;
    if (mayBeHedged(batch)) {
      batch.user.learned.batchSizeCap.sent(batch.calls.length);
      for (const call of batch.calls) atMs = Math.min(atMs, halfWay(batch, call));
    }
    batch.latenessTimer = { batch };
    this.#timers.add(batch.latenessTimer, atMs);
    return atMs;
  }

  /**
   * Handles the end of a request. If the pool answers a request that was sent after a batch became late, a
   * call in the late batch is slow. If the whole pool is slow, smaller batches would make it worse.
   */
  settled(batch: Batch<T>, answered: boolean): void {
    if (batch.latenessTimer !== undefined) batch.latenessTimer.batch = undefined;
    if (this.#suspects.length === 0) return;
    this.#suspects = this.#suspects.filter((suspect) => {
      if (suspect.batch === batch) return false;
      if (!answered || batch.sentAtMs < suspect.sinceMs) return true;
      suspect.batch.user.learned.batchSizeCap.wasLate();
      return false;
    });
  }

  /** Returns the next batch with late calls or with a slot to free. */
  takeLate(nowMs: number): LateBatch<T> | undefined {
    while (this.#timers.nextAtMs <= nowMs) {
      const { item: timer } = this.#timers.take();
      const { batch } = timer;
      if (batch === undefined) continue;
      const calls: Array<Call<T>> = [];
      let nextAtMs = batch.takesSlot ? this.#slotUntilMs(batch) : Infinity;
      const freesSlot = nextAtMs <= nowMs;
      if (freesSlot) nextAtMs = Infinity;
      for (const call of waitingIn(batch)) {
        const atMs = lateAtMs(batch, call);
        if (atMs <= nowMs) calls.push(call);
        else nextAtMs = Math.min(nextAtMs, atMs);
      }
      if (nextAtMs !== Infinity) this.#timers.add(timer, nextAtMs);
      if (freesSlot) batch.takesSlot = false;
      const isNew = calls.length > 0 && !batch.isLate;
      if (isNew) {
        batch.isLate = true;
        this.#suspects.push({ batch, sinceMs: nowMs });
      }
      if (calls.length > 0 || freesSlot) return { batch, calls, isNew, freesSlot };
    }
    return undefined;
  }

  #slotUntilMs({ sentAtMs }: Batch<T>): number {
    return sentAtMs + Math.max(leastMs, (this.#routes.usualMs ?? 0) * timesUsual);
  }
}

/**
 * Whether its calls can be sent again beside it. The answer to a single call streams, so that call cannot.
 */
function mayBeHedged<T>({ callClass, calls }: Batch<T>): boolean {
  return callClass === 'safe' && calls.length > 1;
}

/** Returns the calls that can still be sent again beside the batch. */
function waitingIn<T>(batch: Batch<T>): ReadonlyArray<Call<T>> {
  if (!mayBeHedged(batch)) return [];
  return batch.calls.filter(
    (call, index) =>
      batch.replies[index] === undefined && call.mayRetry && sentWaitersOf(call).length > 0,
  );
}

/**
 * Returns when the call becomes late, in ms. If the latency of its route is unknown, only its deadline
 * counts.
 */
function lateAtMs<T>(batch: Batch<T>, call: Call<T>): number {
  const usualMs = call.route.medianMs ?? Infinity;
  return Math.min(batch.sentAtMs + Math.max(leastMs, usualMs * timesUsual), halfWay(batch, call));
}

/** Returns the middle of the time between the dispatch of the batch and the deadline of the call, in ms. */
function halfWay<T>({ sentAtMs }: Batch<T>, { deadlineAtMs }: Call<T>): number {
  return sentAtMs + (deadlineAtMs - sentAtMs) * shareOfDeadline;
}
