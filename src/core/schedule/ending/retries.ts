/**
 * Retries after failures: each call at most once, unbatched, and within the retry budgets of its user and of
 * the process.
 */
import type { Fault } from '../../messages/fault.ts';
import type { Reply } from '../../messages/reply.ts';
import type { Budget } from '../estimators/retry-budget.ts';
import type { Call, User, Stream } from '../state.ts';
import type { Ledger } from '../queue/open-calls.ts';
import type { RepeatReason } from '../observer.ts';
import type { Sink } from '../sink.ts';
import { streamOf } from '../queue/stream.ts';
import { newCall, travellersOf, waitersOf } from '../queue/calls.ts';

export class Repeats<T> {
  readonly #sink: Sink<T>;
  readonly #ledger: Ledger<T>;
  readonly #budget: Budget;

  /** @param budget retry budget of the process; each new call adds to it and to the budget of its user */
  constructor(sink: Sink<T>, ledger: Ledger<T>, budget: Budget) {
    this.#sink = sink;
    this.#ledger = ledger;
    this.#budget = budget;
  }

  /**
   * Puts a call back into a queue, to be sent unbatched. Returns `false` if the call may not be sent again.
   */
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

  /** Sends a hedged request for an outstanding call, if a retry is allowed. */
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
    // Check both budgets, because the check also adds the tokens for the elapsed time.
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

/**
 * Puts the call of a request that has ended back into its queue, in order of arrival. The stream is then
 * ready.
 *
 * @param solo whether to send the call unbatched
 * @returns the call that now holds the place; it differs if the caller of `slot` left; `undefined` if no
 *   caller waits
 */
export function putBack<T>(slot: Call<T>, solo: boolean, nowMs: number): Call<T> | undefined {
  const waiters = travellersOf(slot);
  const [heir, ...others] = waiters;
  if (heir === undefined) return undefined;
  const { user, key, callClass } = slot.stream;
  const reason = slot.batch?.flushReason ?? 'idle';
  const stream = streamOf(user, key, callClass, solo || slot.stream.solo);
  for (const call of waiters) {
    call.stage = 'held';
    call.batch = undefined;
    call.stream = stream;
    call.leader = call === heir ? undefined : heir;
    call.queuedAtMs = nowMs;
    call.freeAtMs = nowMs;
    call.pauseBeforeMs = user.blocked.pausedMs(nowMs);
    call.limitBeforeMs = user.blocked.limitedMs(nowMs);
  }
  heir.followers = others.length > 0 ? others : undefined;
  insert(stream, heir);
  if (stream.hold.kind !== 'ready') {
    stream.hold = { kind: 'ready', reason, sinceMs: nowMs, held: false };
  }
  if (heir.callClass !== 'safe') user.order.returned(heir, heldBy(user.streams));
  else for (const call of waiters) user.order.rejoin(call);
  return heir;
}

function insert<T>(stream: Stream<T>, call: Call<T>): void {
  const { queue } = stream;
  let at = queue.length;
  while (at > 0 && (queue[at - 1] as Call<T>).sequence > call.sequence) at -= 1;
  queue.splice(at, 0, call);
  stream.queuedBytes += call.sizeBytes;
}

function* heldBy<T>(streams: ReadonlyArray<Stream<T>>): Generator<Call<T>> {
  for (const { queue } of streams) {
    for (const slot of queue) yield* waitersOf(slot);
  }
}
