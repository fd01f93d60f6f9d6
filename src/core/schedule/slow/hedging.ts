/**
 * What takes longer than it should. The GETs of a batch that have waited for much longer than they
 * usually do, or than their callers can afford, are asked again beside it; writes never are. And a
 * request that takes much longer than most do gives its departure back, so that the other calls of
 * its user do not wait for it.
 */
import { Alarms } from '../../structures/timer-heap.ts';
import type { Batch, Call, Watch } from '../state.ts';
import type { RouteTimes } from './slow-routes.ts';
import { travellersOf } from '../queue/calls.ts';

/** Nothing is late before. */
const leastMs = 50;
const timesUsual = 3;
const shareOfDeadline = 0.5;

export interface Late<T> {
  readonly batch: Batch<T>;
  /** GETs that are to be asked again; none, where only the departure is given back. */
  readonly calls: ReadonlyArray<Call<T>>;
  /** Whether none of them was late before. */
  readonly isNew: boolean;
  /** Whether it gives its departure back. */
  readonly freesSlot: boolean;
}

export class LateBatches<T> {
  readonly #alarms = new Alarms<Watch<T>>();
  /** Late ones, since when; nobody knows yet whether a call in them is slow, or everything is. */
  #suspects: Array<{ readonly batch: Batch<T>; readonly sinceMs: number }> = [];
  readonly #routes: RouteTimes;

  constructor(routes: RouteTimes) {
    this.#routes = routes;
  }

  get nextAtMs(): number {
    return this.#alarms.nextAtMs;
  }

  /** Returns the time at which the batch may be late, in ms; `Infinity` for a batch that is not watched. */
  sent(batch: Batch<T>): number {
    if (!batch.takesSlot) return Infinity;
    let atMs = batch.sentAtMs + leastMs;
    if (mayBeAsked(batch)) {
      batch.user.learnt.lateness.sent(batch.calls.length);
      for (const call of batch.calls) atMs = Math.min(atMs, halfWay(batch, call));
    }
    batch.watch = { batch };
    this.#alarms.add(batch.watch, atMs);
    return atMs;
  }

  /**
   * A late batch that is overtaken by an answer to what left after it was late holds a slow call.
   * Where all is slow, smaller batches would make it worse.
   */
  settled(batch: Batch<T>, answered: boolean): void {
    if (batch.watch !== undefined) batch.watch.batch = undefined;
    if (this.#suspects.length === 0) return;
    this.#suspects = this.#suspects.filter((suspect) => {
      if (suspect.batch === batch) return false;
      if (!answered || batch.sentAtMs < suspect.sinceMs) return true;
      suspect.batch.user.learnt.lateness.wasLate();
      return false;
    });
  }

  /** The next batch of which something is late. */
  takeLate(nowMs: number): Late<T> | undefined {
    while (this.#alarms.nextAtMs <= nowMs) {
      const { what: watch } = this.#alarms.take();
      const { batch } = watch;
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
      if (nextAtMs !== Infinity) this.#alarms.add(watch, nextAtMs);
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

/** Whether its calls can be asked again beside it: of a lone one the answer streams. */
function mayBeAsked<T>({ callClass, calls }: Batch<T>): boolean {
  return callClass === 'safe' && calls.length > 1;
}

/** Calls that could be asked again, and have not been. */
function waitingIn<T>(batch: Batch<T>): ReadonlyArray<Call<T>> {
  if (!mayBeAsked(batch)) return [];
  return batch.calls.filter(
    (call, index) =>
      batch.replies[index] === undefined && call.mayRepeat && travellersOf(call).length > 0,
  );
}

/** A call of a route that nobody knows is late only when its caller cannot wait. */
function lateAtMs<T>(batch: Batch<T>, call: Call<T>): number {
  const usualMs = call.route.medianMs ?? Infinity;
  return Math.min(batch.sentAtMs + Math.max(leastMs, usualMs * timesUsual), halfWay(batch, call));
}

/** Half of what was left to its caller when the batch left. */
function halfWay<T>({ sentAtMs }: Batch<T>, { deadlineAtMs }: Call<T>): number {
  return sentAtMs + (deadlineAtMs - sentAtMs) * shareOfDeadline;
}
