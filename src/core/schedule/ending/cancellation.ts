/** Ends calls without an answer: the caller has left, or the deadline has passed. */
import type { Call, User } from '../state.ts';
import type { Ledger } from '../queue/open-calls.ts';
import { travellersOf, waitersOf } from '../queue/calls.ts';
import type { Sink } from '../sink.ts';
import { isReply } from '../../messages/reply.ts';
import { unqueue, permitReady } from '../queue/stream.ts';

export class QueueExits<T> {
  readonly #sink: Sink<T>;
  readonly #ledger: Ledger<T>;

  constructor(sink: Sink<T>, ledger: Ledger<T>) {
    this.#sink = sink;
    this.#ledger = ledger;
  }

  /** Cancels a call: its caller left, or got another answer. The scheduler sends this caller nothing more. */
  cancel(call: Call<T>, nowMs: number): void {
    switch (call.stage) {
      case 'held':
        this.#leaveQueue(call, nowMs);
        this.#ledger.finish(call, 'needless', nowMs);
        return;
      case 'sent':
        this.#detach(call, nowMs);
        return;
      case 'answering': {
        const { batch } = call;
        this.#ledger.finish(call, 'needless', nowMs);
        if (batch !== undefined) this.#sink.abandon(batch);
        return;
      }
      case 'done':
        return;
    }
  }

  #leaveQueue(call: Call<T>, nowMs: number): void {
    const { stream, leader, followers } = call;
    stream.user.order.forget(call);
    if (leader !== undefined) {
      const rest = leader.followers?.filter((follower) => follower !== call) ?? [];
      leader.followers = rest.length > 0 ? rest : undefined;
      return;
    }
    const [heir, ...others] = followers ?? [];
    if (heir !== undefined) {
      this.#replace(call, heir, others);
      return;
    }
    // A timer or a permit that still refers to the stream finds it empty, and does nothing.
    unqueue(call);
    if (call.callClass === 'safe') return;
    const left = stream.user.order.left(call, nowMs);
    if (stream.user.order.over(call, nowMs) || left) permitReady(stream.user, this.#sink);
  }

  /** Gives the place of the call in the queue to a call of another caller. */
  #replace(call: Call<T>, heir: Call<T>, others: Array<Call<T>>): void {
    const { stream, refusedBatch } = call;
    heir.leader = undefined;
    heir.followers = others.length > 0 ? others : undefined;
    for (const other of others) other.leader = heir;
    heir.refusals = call.refusals;
    heir.refusedBatch = refusedBatch;
    call.refusedBatch = undefined;
    heir.mayRepeat = call.mayRepeat;
    heir.repeated = call.repeated;
    call.repeated = undefined;
    stream.queue[stream.queue.indexOf(call)] = heir;
    stream.queuedBytes += heir.sizeBytes - call.sizeBytes;
  }

  #detach(call: Call<T>, nowMs: number): void {
    const { batch } = call;
    const [heir] = travellersOf(call.leader ?? call).filter((other) => other !== call);
    if (heir !== undefined && call.repeated !== undefined) {
      heir.repeated = call.repeated;
      call.repeated = undefined;
    }
    this.#ledger.finish(call, 'needless', nowMs);
    if (batch !== undefined) this.#ledger.abandonIfIdle(batch);
  }

  /** Ends a call at its deadline. */
  expire(call: Call<T>, nowMs: number): void {
    if (call.stage === 'held') {
      this.#leaveQueue(call, nowMs);
      this.#ledger.finish(call, 'failed', nowMs);
      this.#ledger.tell(call, call.fallback ?? 'never-sent');
    } else {
      // Tell the caller before the batch is aborted, while the engine still knows whether the request was
      // sent.
      this.#ledger.tell(call, call.fallback ?? 'late');
      this.#detach(call, nowMs);
    }
  }

  /**
   * During a backoff, ends the calls with a deadline before its end. In a shutdown, ends all calls of the
   * user.
   */
  outlasted(user: User<T>, draining: boolean, nowMs: number): void {
    const { untilMs } = user.learnt.pause;
    if (untilMs <= nowMs) return;
    for (const { queue } of [...user.streams]) {
      for (const slot of [...queue]) {
        for (const call of waitersOf(slot)) {
          if (call.stage !== 'held' || call.original !== undefined) continue;
          if (draining) this.#giveUp(call, nowMs);
          else if (call.deadlineAtMs <= untilMs) this.expire(call, nowMs);
        }
      }
    }
  }

  #giveUp(call: Call<T>, nowMs: number): void {
    const { fallback } = call;
    this.#leaveQueue(call, nowMs);
    this.#ledger.finish(call, 'failed', nowMs);
    const isUnknown = fallback !== undefined && !isReply(fallback);
    this.#ledger.tell(call, isUnknown ? fallback : 'never-sent');
  }
}
