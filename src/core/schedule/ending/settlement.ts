/** Applies the retry table to the calls of a request that has ended. */
import { retryAction, type CallFailure } from '../../answer/retry-table.ts';
import type { Fault } from '../../messages/fault.ts';
import { type Reply, isReply } from '../../messages/reply.ts';
import type { Batch, Call } from '../state.ts';
import type { OpenCalls } from '../queue/open-calls.ts';
import { sentWaitersOf, waitersOf } from '../queue/calls.ts';
import type { RetryReason } from '../observer.ts';
import { type Retries, putBack } from './retries.ts';
import type { Sink } from '../sink.ts';
import { recordRefused } from '../queue/split-stats.ts';
import type { Ending } from '../../answer/ending.ts';
import { isRefusal } from '../../ucwa/protocol.ts';

const ownMistake: Fault = { phase: 'unknown', name: 'proxy_internal_error' };
/** All parts came, but this call has none. */
const missingPart: CallFailure = { cause: 'own_mistake', fault: ownMistake };

export class Settlement<T> {
  readonly #sink: Sink<T>;
  readonly #openCalls: OpenCalls<T>;
  readonly #retries: Retries<T>;

  constructor(sink: Sink<T>, openCalls: OpenCalls<T>, retries: Retries<T>) {
    this.#sink = sink;
    this.#openCalls = openCalls;
    this.#retries = retries;
  }

  /**
   * Ends each call of the request, or puts it back into its queue.
   *
   * @param draining whether the process shuts down, so that no call waits for the end of a backoff
   */
  settle(batch: Batch<T>, ending: Ending, draining: boolean, nowMs: number): void {
    const refused: Array<Call<T>> = [];
    batch.calls.forEach((call, index) => {
      if (call.original !== undefined) {
        this.#settleHedge(call, call.original, ending, refused, nowMs);
      } else if (call.stage === 'answering') this.#openCalls.finish(call, 'answered', nowMs);
      else if (ending.kind === 'relay') this.#openCalls.end(call, ending.reply, nowMs);
      else {
        const known = this.#replyOrFailure(batch, index, ending);
        if ('status' in known) this.#openCalls.end(call, known, nowMs);
        else if (draining && known.cause === 'refused')
          this.#openCalls.end(call, 'never-sent', nowMs);
        else this.#recover(call, known, refused, nowMs);
      }
    });
    if (refused.length > 0) recordRefused(refused);
  }

  /** Returns the answer to the call, or the failure cause. */
  #replyOrFailure(batch: Batch<T>, index: number, ending: Ending): Reply | CallFailure {
    const isCounted = ending.kind !== 'failure' || ending.cause !== 'miscounted';
    const part = isCounted ? batch.replies[index] : undefined;
    if (part !== undefined) {
      if (!isReply(part)) return { cause: 'malformed_part', fault: part };
      if (!isRefusal(part.status)) return part;
      const fault: Fault = { phase: 'unknown', name: 'http_protocol_error' };
      return { cause: 'refused_part', fault, reply: part };
    }
    return ending.kind === 'failure' ? ending : missingPart;
  }

  #recover(call: Call<T>, failure: CallFailure, refused: Array<Call<T>>, nowMs: number): void {
    const { cause, fault, reply } = failure;
    const last = reply ?? fault;
    if (sentWaitersOf(call).length === 0) return;
    if (call.hedge !== undefined) {
      // A hedged request for the call is outstanding. Its answer may still come.
      call.failure = failure;
      for (const waiter of waitersOf(call)) waiter.fallback = last;
      return;
    }
    const action = retryAction(cause, call.method, fault.phase);
    const { backoff } = call.stream.user.learned;
    switch (action) {
      case 'smaller':
        // A batch of one call cannot become smaller.
        if (call.batch?.parts === 1) this.#openCalls.end(call, last, nowMs);
        else this.#requeue(call, true, last, refused, nowMs);
        return;
      case 'requeue':
        this.#requeue(call, false, last, refused, nowMs);
        return;
      case 'unbatched':
        this.#putBack(call, true, last, nowMs);
        return;
      case 'retry':
        if (
          backoff.untilMs >= call.deadlineAtMs ||
          !this.#retries.retry(call, reasonOf(failure), last, nowMs)
        ) {
          this.#openCalls.end(call, last, nowMs);
        }
        return;
      case 'relay':
        this.#openCalls.end(call, last, nowMs);
        return;
      case 'fail':
        this.#openCalls.end(call, fault, nowMs);
        return;
    }
  }

  #requeue(
    call: Call<T>,
    smaller: boolean,
    last: Reply | Fault,
    refused: Array<Call<T>>,
    nowMs: number,
  ): void {
    const { untilMs } = call.stream.user.learned.backoff;
    for (const waiter of sentWaitersOf(call)) {
      if (waiter.deadlineAtMs > untilMs) continue;
      // The backoff ends after the deadline of this caller.
      this.#openCalls.finish(waiter, 'failed', nowMs);
      this.#openCalls.tell(waiter, last);
    }
    const heir = this.#putBack(call, false, last, nowMs);
    if (heir === undefined) return;
    this.#sink.events.requeued(smaller ? 'too_large' : 'refused', 1);
    if (smaller) return;
    heir.refusals = call.refusals + 1;
    refused.push(heir);
  }

  #putBack(
    slot: Call<T>,
    unbatched: boolean,
    fallback: Reply | Fault,
    nowMs: number,
  ): Call<T> | undefined {
    const call = putBack(slot, unbatched, nowMs);
    if (call === undefined) return undefined;
    call.retryReason ??= slot.retryReason;
    call.mayRetry = slot.mayRetry;
    for (const waiter of waitersOf(call)) {
      waiter.fallback = fallback;
      this.#openCalls.held += 1;
    }
    return call;
  }

  /** Settles a hedged request. */
  #settleHedge(
    hedge: Call<T>,
    original: Call<T>,
    ending: Ending,
    refused: Array<Call<T>>,
    nowMs: number,
  ): void {
    if (hedge.stage === 'done') return;
    const reply = ending.kind === 'relay' ? ending.reply : undefined;
    const isGood = reply !== undefined && reply.status < 500;
    this.#openCalls.finish(hedge, isGood ? 'answered' : 'failed', nowMs);
    original.hedge = undefined;
    for (const waiter of reply === undefined ? [] : waitersOf(original)) {
      waiter.fallback ??= reply;
      if (reply !== undefined) waiter.hedgeAnswer = { by: hedge, reply, isUsed: false };
    }
    const { batch, failure } = original;
    if (isGood) this.#openCalls.end(original, reply, nowMs);
    else if (batch?.settled === true) {
      // Both requests have failed. The failure of the batch decides.
      const { cause, fault } = failure ?? missingPart;
      this.#recover(original, { cause, fault, reply: failure?.reply ?? reply }, refused, nowMs);
    }
    if (batch !== undefined) this.#openCalls.abandonIfIdle(batch);
  }
}

function reasonOf({ cause, fault }: CallFailure): RetryReason {
  if (cause === 'connection' || cause === 'broken_off') {
    return fault.phase === 'unsent' ? 'unsent' : 'unknown';
  }
  return 'answer';
}
