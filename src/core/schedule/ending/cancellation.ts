/** Ends calls without an answer: the caller has left, or the deadline has passed. */
import type { Call, User } from '../state.ts';
import type { OpenCalls } from '../queue/open-calls.ts';
import { sentWaitersOf, waitersOf } from '../queue/calls.ts';
import type { Sink } from '../sink.ts';
import { isReply } from '../../messages/reply.ts';
import { dequeue, requestPermits } from '../queue/stream.ts';

export class Cancellation<T> {
  readonly #sink: Sink<T>;
  readonly #openCalls: OpenCalls<T>;

  constructor(sink: Sink<T>, openCalls: OpenCalls<T>) {
    this.#sink = sink;
    this.#openCalls = openCalls;
  }

  /** Cancels a call: its caller left, or got another answer. The scheduler sends this caller nothing more. */
  cancel(call: Call<T>, nowMs: number): void {
    switch (call.stage) {
      case 'held':
        this.#dequeue(call, nowMs);
        this.#openCalls.finish(call, 'needless', nowMs);
        return;
      case 'sent':
        this.#detach(call, nowMs);
        return;
      case 'answering': {
        const { batch } = call;
        this.#openCalls.finish(call, 'needless', nowMs);
        this.#sink.abandon(batch);
        return;
      }
      case 'done':
        return;
    }
  }

  /** Fails every call that still waits. */
  expireAll(nowMs: number): void {
    const { deadlines } = this.#openCalls;
    for (let call = deadlines.first; call; call = deadlines.first) this.expire(call, nowMs);
  }

  #dequeue(call: Call<T>, nowMs: number): void {
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
    dequeue(call);
    if (call.callClass === 'safe') return;
    const released = stream.user.order.sent(call, nowMs);
    if (stream.user.order.ended(call, nowMs) || released) requestPermits(stream.user, this.#sink);
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
    heir.mayRetry = call.mayRetry;
    heir.retryReason = call.retryReason;
    call.retryReason = undefined;
    stream.queue[stream.queue.indexOf(call)] = heir;
    stream.queuedBytes += heir.sizeBytes - call.sizeBytes;
  }

  #detach(call: Call<T>, nowMs: number): void {
    const { batch } = call;
    const [heir] = sentWaitersOf(call.leader ?? call).filter((other) => other !== call);
    if (heir !== undefined && call.retryReason !== undefined) {
      heir.retryReason = call.retryReason;
      call.retryReason = undefined;
    }
    this.#openCalls.finish(call, 'needless', nowMs);
    if (batch !== undefined) this.#openCalls.abandonIfIdle(batch);
  }

  /** Ends a call at its deadline. */
  expire(call: Call<T>, nowMs: number): void {
    if (call.stage === 'held') {
      this.#dequeue(call, nowMs);
      this.#openCalls.finish(call, 'failed', nowMs);
      this.#openCalls.tell(call, call.fallback ?? 'never-sent');
    } else {
      // Tell the caller before the batch is aborted, while the engine still knows whether the request was
      // sent.
      this.#openCalls.tell(call, call.fallback ?? 'late');
      this.#detach(call, nowMs);
    }
  }

  /**
   * During a backoff, ends the calls with a deadline before its end. In a shutdown, ends all calls of the
   * user.
   */
  endOutlasted(user: User<T>, draining: boolean, nowMs: number): void {
    const { untilMs } = user.learned.backoff;
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
    this.#dequeue(call, nowMs);
    this.#openCalls.finish(call, 'failed', nowMs);
    const isUnknown = fallback !== undefined && !isReply(fallback);
    this.#openCalls.tell(call, isUnknown ? fallback : 'never-sent');
  }
}
