/**
 * Sends calls again. `retry` (after a failure) and `hedge` (beside a late batch) send each call at most once,
 * unbatched, within the retry budgets of its user and of the process. `putBack` also puts refused calls back,
 * without using a budget.
 */
import type { Fault } from '../../messages/fault.ts';
import type { Reply } from '../../messages/reply.ts';
import type { RetryBudget } from '../estimators/retry-budget.ts';
import type { Batch, Call, User, Stream } from '../state.ts';
import type { OpenCalls } from '../queue/open-calls.ts';
import type { RetryReason } from '../observer.ts';
import type { Sink } from '../sink.ts';
import { streamOf } from '../queue/stream.ts';
import { moveToHeld, newCall, sentWaitersOf, waitersOf } from '../queue/calls.ts';

export class Retries<T> {
  readonly #sink: Sink<T>;
  readonly #openCalls: OpenCalls<T>;
  readonly #processBudget: RetryBudget;

  /** @param processBudget retry budget of the process; each new call adds to it and to the budget of its user */
  constructor(sink: Sink<T>, openCalls: OpenCalls<T>, processBudget: RetryBudget) {
    this.#sink = sink;
    this.#openCalls = openCalls;
    this.#processBudget = processBudget;
  }

  /**
   * Puts a call back into a queue, to be sent unbatched. Returns `false` if the call may not be sent again;
   * `true` also if no caller waits any more.
   */
  retry(slot: Call<T>, reason: RetryReason, fallback: Reply | Fault, nowMs: number): boolean {
    if (!slot.mayRetry || !this.#spend(slot.stream.user, reason, nowMs)) return false;
    const call = putBack(slot, true, nowMs);
    if (call === undefined) return true;
    call.mayRetry = false;
    call.retryReason = reason;
    for (const waiter of waitersOf(call)) {
      waiter.fallback = fallback;
      this.#openCalls.held += 1;
    }
    return true;
  }

  /**
   * Queues a hedged request for an outstanding GET, if it was not sent again before and the budgets allow it.
   */
  hedge(slot: Call<T>, nowMs: number): void {
    const {
      stream: { user, key },
      route,
      sequence,
      deadlineAtMs,
    } = slot;
    if (!slot.mayRetry || !this.#spend(user, 'late', nowMs)) return;
    const stream = streamOf(user, key, 'safe', true);
    const arrival = { ...slot, collapsible: false };
    const hedge = newCall(arrival, stream, route, sequence, nowMs, deadlineAtMs, slot);
    slot.mayRetry = false;
    slot.hedge = hedge;
    hedge.retryReason = 'late';
    user.order.rejoin(hedge);
    stream.queue.push(hedge);
    stream.queuedBytes += hedge.sizeBytes;
    this.#openCalls.held += 1;
    if (stream.hold.kind !== 'ready') {
      stream.hold = { kind: 'ready', reason: 'idle', sinceMs: nowMs, held: false };
    }
    this.#sink.requestPermit(user, true);
  }

  #spend(user: User<T>, reason: RetryReason, nowMs: number): boolean {
    // Check both budgets, because the check also adds the tokens for the elapsed time.
    const own = user.retryBudget.has(nowMs);
    if (!this.#processBudget.has(nowMs) || !own) {
      this.#sink.events.retried(reason, 'denied');
      return false;
    }
    user.retryBudget.spend();
    this.#processBudget.spend();
    return true;
  }
}

/**
 * Takes the only repetition of each call of a request, so that the request can move to another server. No later
 * retry, and no hedged request, then sends these calls a third time.
 *
 * @returns `false` if a call has no repetition left
 */
export function takeRepetitions<T>({ calls }: Batch<T>): boolean {
  if (calls.some(({ mayRetry, original }) => !mayRetry || original !== undefined)) return false;
  for (const call of calls) call.mayRetry = false;
  return true;
}

/**
 * Puts a call of an ended request into a queue again, in order of arrival: its old queue, or the unbatched one.
 * Its stream may then be sent without a hold.
 *
 * @param unbatched whether to send the call unbatched
 * @returns the queued call: `slot`, or a follower of it if the caller of `slot` has left; `undefined` if no
 * caller waits
 */
export function putBack<T>(slot: Call<T>, unbatched: boolean, nowMs: number): Call<T> | undefined {
  const waiters = sentWaitersOf(slot);
  const [heir, ...others] = waiters;
  if (heir === undefined) return undefined;
  const { user, key, callClass } = slot.stream;
  const reason = heir.batch.flushReason;
  const stream = streamOf(user, key, callClass, unbatched || slot.stream.unbatched);
  for (const call of waiters) {
    moveToHeld(call);
    call.stream = stream;
    call.leader = call === heir ? undefined : heir;
    call.queuedAtMs = nowMs;
    call.unblockedAtMs = nowMs;
    call.backoffBeforeMs = user.blocked.backoffMs(nowMs);
    call.limitBeforeMs = user.blocked.limitedMs(nowMs);
  }
  heir.followers = others.length > 0 ? others : undefined;
  insert(stream, heir);
  if (stream.hold.kind !== 'ready') {
    stream.hold = { kind: 'ready', reason, sinceMs: nowMs, held: false };
  }
  if (heir.callClass !== 'safe') user.order.requeued(heir, heldBy(user.streams));
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
