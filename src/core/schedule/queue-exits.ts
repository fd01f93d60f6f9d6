/** How calls end that are not answered: their callers leave, or their time is up. */
import { type Call, waitersOf } from './call.ts';
import { isReply, type Ledger } from './ledger.ts';
import { permitReady, type Sink } from './sink.ts';
import { unqueue } from './user.ts';

export class QueueExits<T> {
  readonly #sink: Sink<T>;
  readonly #ledger: Ledger<T>;

  constructor(sink: Sink<T>, ledger: Ledger<T>) {
    this.#sink = sink;
    this.#ledger = ledger;
  }

  /** The caller left, or is answered otherwise; it gets nothing from here any more. */
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
    if (leader !== undefined) {
      leader.followers = leader.followers?.filter((follower) => follower !== call);
      return;
    }
    const [heir, ...others] = followers ?? [];
    if (heir !== undefined) {
      this.#replace(call, heir, others);
      return;
    }
    // An alarm or a permit that is still under way finds nobody and does nothing.
    unqueue(call);
    if (call.callClass === 'safe') return;
    const left = stream.user.order.left(call, nowMs);
    if (stream.user.order.over(call, nowMs) || left) permitReady(stream.user, this.#sink);
  }

  /** Another caller's call stands for the part from now on. */
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
    this.#ledger.finish(call, 'needless', nowMs);
    if (batch !== undefined) this.#ledger.abandonIfIdle(batch);
  }

  /** Its time is up. */
  expire(call: Call<T>, nowMs: number): void {
    if (call.stage === 'held') {
      this.#leaveQueue(call, nowMs);
      this.#ledger.finish(call, 'failed', nowMs);
      this.#ledger.tell(call, call.fallback ?? 'never-sent');
    } else {
      // Told before the batch is broken off, while the shell still knows how far it came.
      this.#ledger.tell(call, call.fallback ?? 'late');
      this.#detach(call, nowMs);
    }
  }

  /** Nobody will come to send that part. */
  giveUp(slot: Call<T>, nowMs: number): void {
    for (const call of waitersOf(slot)) {
      const { fallback } = call;
      this.#leaveQueue(call, nowMs);
      this.#ledger.finish(call, 'failed', nowMs);
      const isUnknown = fallback !== undefined && !isReply(fallback);
      if (call.original === undefined) this.#ledger.tell(call, isUnknown ? fallback : 'never-sent');
    }
  }
}
