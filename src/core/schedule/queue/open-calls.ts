/** The calls that have not ended: their number, their deadlines, and the end of each call, exactly once. */
import type { Failure } from '../../messages/fault.ts';
import { type Reply, isReply } from '../../messages/reply.ts';
import { LinkedList } from '../../structures/linked-list.ts';
import type { Batch, Call } from '../state.ts';
import type { RetryOutcome } from '../observer.ts';
import type { Sink } from '../sink.ts';
import { recordEnded } from './split-stats.ts';
import type { Users } from './users.ts';
import { dequeue } from './stream.ts';
import { moveToDone, sentWaitersOf } from './calls.ts';

export class OpenCalls<T> {
  /** Calls in order of their deadlines. This is mostly the order of their arrival. */
  readonly deadlines = new LinkedList<Call<T>>();
  /** Calls in queues. */
  held = 0;
  /** Parts that the pool works on, including those without a caller. */
  outstanding = 0;
  readonly #sink: Sink<T>;
  readonly #users: Users<T>;

  constructor(sink: Sink<T>, users: Users<T>) {
    this.#sink = sink;
    this.#users = users;
  }

  /** Counts a new call, which is held. */
  open(call: Call<T>): void {
    this.held += 1;
    this.deadlines.insert(call, ({ deadlineAtMs }) => deadlineAtMs > call.deadlineAtMs);
  }

  /** Ends a call and its followers that still wait, and tells their callers the outcome. */
  end(call: Call<T>, outcome: Reply | Failure, nowMs: number): void {
    for (const waiter of sentWaitersOf(call)) {
      this.finish(waiter, isReply(outcome) ? 'answered' : 'failed', nowMs);
      this.tell(waiter, outcome);
    }
  }

  tell(call: Call<T>, outcome: Reply | Failure): void {
    const { hedgeAnswer } = call;
    if (hedgeAnswer !== undefined) hedgeAnswer.isUsed = hedgeAnswer.reply === outcome;
    if (isReply(outcome)) this.#sink.answer(call, outcome);
    else this.#sink.fail(call, outcome);
  }

  /** Ends a call without telling its caller. */
  finish(call: Call<T>, outcome: RetryOutcome, nowMs: number): void {
    const { events } = this.#sink;
    if (call.stage === 'held') this.held -= 1;
    moveToDone(call);
    if (call.refusedBatch !== undefined) recordEnded(call, events);
    if (call.retryReason !== undefined) events.retried(call.retryReason, outcome);
    if (call.batch !== undefined) call.batch.waiting -= 1;
    if (call.original !== undefined) return;
    this.deadlines.remove(call);
    this.#users.ended(call.stream.user, call.sizeBytes, nowMs);
    const slot = call.leader ?? call;
    if (slot.hedge !== undefined && sentWaitersOf(slot).length === 0) {
      this.#cancelHedge(slot.hedge, nowMs);
    }
  }

  /** Cancels a hedged request that no caller waits for. */
  #cancelHedge(hedge: Call<T>, nowMs: number): void {
    const { stage, batch } = hedge;
    if (stage === 'held') dequeue(hedge);
    if (stage === 'done') return;
    this.finish(hedge, 'needless', nowMs);
    if (stage === 'sent') this.abandonIfIdle(batch);
  }

  /** Aborts a safe batch that no caller waits for. A write may have an effect, so its request goes on. */
  abandonIfIdle(batch: Batch<T>): void {
    if (batch.waiting === 0 && batch.callClass === 'safe' && !batch.settled) {
      this.#sink.abandon(batch);
    }
  }
}
