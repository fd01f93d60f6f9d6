/** Applies the retry table to the calls of a request that has ended. */
import { retryAction, type Upset } from '../../answer/retry-table.ts';
import type { Fault } from '../../messages/fault.ts';
import { type Reply, isReply } from '../../messages/reply.ts';
import type { Batch, Call } from '../state.ts';
import type { Ledger } from '../queue/open-calls.ts';
import { travellersOf, waitersOf } from '../queue/calls.ts';
import type { RepeatReason } from '../observer.ts';
import { type Repeats, putBack } from './retries.ts';
import type { Sink } from '../sink.ts';
import { noteRefused } from '../queue/split-stats.ts';
import type { Ending } from '../../answer/ending.ts';
import { isRefusal } from '../../ucwa/protocol.ts';

const ownMistake: Fault = { phase: 'unknown', name: 'proxy_internal_error' };
/** All parts came, but this call has none. */
const forgotten: Upset = { trouble: 'own_mistake', fault: ownMistake };

export class Settlement<T> {
  readonly #sink: Sink<T>;
  readonly #ledger: Ledger<T>;
  readonly #repeats: Repeats<T>;

  constructor(sink: Sink<T>, ledger: Ledger<T>, repeats: Repeats<T>) {
    this.#sink = sink;
    this.#ledger = ledger;
    this.#repeats = repeats;
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
        this.#settleRepeat(call, call.original, ending, refused, nowMs);
      } else if (call.stage === 'answering') this.#ledger.finish(call, 'answered', nowMs);
      else if (ending.kind === 'relay') this.#ledger.end(call, ending.reply, nowMs);
      else {
        const known = this.#known(batch, index, ending);
        if ('status' in known) this.#ledger.end(call, known, nowMs);
        else if (draining && known.trouble === 'refused')
          this.#ledger.end(call, 'never-sent', nowMs);
        else this.#recover(call, known, refused, nowMs);
      }
    });
    if (refused.length > 0) noteRefused(refused);
  }

  /** Returns the answer to the call, or the failure cause. */
  #known(batch: Batch<T>, index: number, ending: Ending): Reply | Upset {
    const isCounted = ending.kind !== 'trouble' || ending.trouble !== 'miscounted';
    const part = isCounted ? batch.replies[index] : undefined;
    if (part !== undefined) {
      if (!isReply(part)) return { trouble: 'malformed_part', fault: part };
      if (!isRefusal(part.status)) return part;
      const fault: Fault = { phase: 'unknown', name: 'http_protocol_error' };
      return { trouble: 'refused_part', fault, reply: part };
    }
    return ending.kind === 'trouble' ? ending : forgotten;
  }

  #recover(call: Call<T>, upset: Upset, refused: Array<Call<T>>, nowMs: number): void {
    const { trouble, fault, reply } = upset;
    const last = reply ?? fault;
    if (travellersOf(call).length === 0) return;
    if (call.repeat !== undefined) {
      // A hedged request for the call is outstanding. Its answer may still come.
      call.upset = upset;
      for (const waiter of waitersOf(call)) waiter.fallback = last;
      return;
    }
    const action = retryAction(trouble, call.method, fault.phase);
    const { pause } = call.stream.user.learnt;
    switch (action) {
      case 'smaller':
        // A batch of one call cannot become smaller.
        if (call.batch?.parts === 1) this.#ledger.end(call, last, nowMs);
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
          pause.untilMs >= call.deadlineAtMs ||
          !this.#repeats.again(call, reasonOf(upset), last, nowMs)
        ) {
          this.#ledger.end(call, last, nowMs);
        }
        return;
      case 'relay':
        this.#ledger.end(call, last, nowMs);
        return;
      case 'fail':
        this.#ledger.end(call, fault, nowMs);
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
    const { untilMs } = call.stream.user.learnt.pause;
    for (const waiter of travellersOf(call)) {
      if (waiter.deadlineAtMs > untilMs) continue;
      // The backoff ends after the deadline of this caller.
      this.#ledger.finish(waiter, 'failed', nowMs);
      this.#ledger.tell(waiter, last);
    }
    const heir = this.#putBack(call, false, last, nowMs);
    if (heir === undefined) return;
    this.#sink.notes.requeued(smaller ? 'too_large' : 'refused', 1);
    if (smaller) return;
    heir.refusals = call.refusals + 1;
    refused.push(heir);
  }

  #putBack(
    slot: Call<T>,
    solo: boolean,
    fallback: Reply | Fault,
    nowMs: number,
  ): Call<T> | undefined {
    const call = putBack(slot, solo, nowMs);
    if (call === undefined) return undefined;
    call.repeated ??= slot.repeated;
    call.mayRepeat = slot.mayRepeat;
    for (const waiter of waitersOf(call)) {
      waiter.fallback = fallback;
      this.#ledger.held += 1;
    }
    return call;
  }

  /** Settles a hedged request. */
  #settleRepeat(
    repeat: Call<T>,
    original: Call<T>,
    ending: Ending,
    refused: Array<Call<T>>,
    nowMs: number,
  ): void {
    if (repeat.stage === 'done') return;
    const reply = ending.kind === 'relay' ? ending.reply : undefined;
    const isGood = reply !== undefined && reply.status < 500;
    this.#ledger.finish(repeat, isGood ? 'answered' : 'failed', nowMs);
    original.repeat = undefined;
    if (reply !== undefined) for (const waiter of waitersOf(original)) waiter.fallback ??= reply;
    const { batch, upset } = original;
    if (isGood) this.#ledger.end(original, reply, nowMs);
    else if (batch?.settled === true) {
      // Both requests have failed. The failure of the batch decides.
      const { trouble, fault } = upset ?? forgotten;
      this.#recover(original, { trouble, fault, reply: upset?.reply ?? reply }, refused, nowMs);
    }
    if (batch !== undefined) this.#ledger.abandonIfIdle(batch);
  }
}

function reasonOf({ trouble, fault }: Upset): RepeatReason {
  if (trouble === 'connection' || trouble === 'broken_off') {
    return fault.phase === 'unsent' ? 'unsent' : 'unknown';
  }
  return 'answer';
}
