/**
 * Calls that are sent again after a fault: by themselves, once each, within a budget of their user
 * and one of the process.
 */
import type { Fault } from '../../messages/fault.ts';
import type { Reply } from '../../messages/reply.ts';
import { Budget } from '../estimators/retry-budget.ts';
import { type Call, newCall, waitersOf } from '../state.ts';
import type { Ledger } from '../queue/open-calls.ts';
import type { RepeatReason } from '../observer.ts';
import { putBack } from './requeue.ts';
import type { Sink } from '../sink.ts';
import { streamOf, type User } from '../user.ts';

/** Repeats that the process can save up. */
const mostRepeats = 1000;

export class Repeats<T> {
  readonly #sink: Sink<T>;
  readonly #ledger: Ledger<T>;
  readonly #budget = new Budget(mostRepeats, 0);

  constructor(sink: Sink<T>, ledger: Ledger<T>) {
    this.#sink = sink;
    this.#ledger = ledger;
  }

  /** A call came: it earns its share. */
  deposit(user: User<T>): void {
    user.budget.deposit();
    this.#budget.deposit();
  }

  /** Puts a call whose request failed back, to leave by itself, if it still may. */
  again(slot: Call<T>, reason: RepeatReason, fallback: Reply | Fault, nowMs: number): boolean {
    if (!slot.mayRepeat || !this.#spend(slot.stream.user, reason, nowMs)) return false;
    const call = putBack(slot, true, nowMs);
    if (call === undefined) return true;
    call.mayRepeat = false;
    call.repeated = reason;
    for (const waiter of waitersOf(call)) {
      waiter.fallback = fallback;
      this.#ledger.held += 1;
    }
    return true;
  }

  /** Sends a call that travels once more beside it, if it may be. */
  beside(slot: Call<T>, nowMs: number): void {
    const {
      stream: { user, key },
      route,
      sequence,
      deadlineAtMs,
    } = slot;
    if (!slot.mayRepeat || !this.#spend(user, 'late', nowMs)) return;
    const stream = streamOf(user, key, 'safe', true);
    const arrival = { ...slot, collapsible: false };
    const repeat = newCall(arrival, stream, route, sequence, nowMs, deadlineAtMs, slot);
    slot.mayRepeat = false;
    slot.repeat = repeat;
    repeat.repeated = 'late';
    user.order.rejoin(repeat);
    stream.queue.push(repeat);
    stream.queuedBytes += repeat.sizeBytes;
    this.#ledger.held += 1;
    if (stream.hold.kind !== 'ready') {
      stream.hold = { kind: 'ready', reason: 'idle', sinceMs: nowMs, held: false };
    }
    this.#sink.permit(user, true);
  }

  #spend(user: User<T>, reason: RepeatReason, nowMs: number): boolean {
    // Both are asked, so that both know the time.
    const own = user.budget.has(nowMs);
    if (!this.#budget.has(nowMs) || !own) {
      this.#sink.notes.repeated(reason, 'denied');
      return false;
    }
    user.budget.spend();
    this.#budget.spend();
    return true;
  }
}
