/**
 * The coalescer: which calls wait, which leave together, and that each ends exactly once.
 *
 * It is told what happens and when, and it speaks through a sink; it does nothing itself. A sink
 * method must not call back before it returns.
 *
 *   event          | call was   | call becomes | the sink is told
 *   ---------------|------------|--------------|---------------------------------------------
 *   submit         | -          | held         | permit when its stream is ready, else wakeAt
 *   submit, a cap  | -          | refused      | nothing: the reason is returned
 *   wake, hold due | held       | held         | permit
 *   depart         | held       | sent         | send
 *   part           | sent       | done         | answer
 *   begin          | sent       | answering    | nothing: the answer streams past us
 *   settle         | sent       | done         | answer or fail
 *   settle         | answering  | done         | nothing
 *   wake, deadline | held, sent | done         | fail; abandon when it was a batch's last caller
 *   cancel         | held, sent | done         | abandon when it was a batch's last caller
 *   cancel         | answering  | done         | abandon
 *   drain          | held       | held         | permit
 *   expire         | held, sent | done         | fail
 */
import { userName } from '../admit/batch-key.ts';
import { type RefusalReason } from '../admit/admit.ts';
import { type Fault } from '../answer/fault.ts';
import { type Reply } from '../answer/reply.ts';
import { type Arrival, type Batch, type Call } from './call.ts';
import { Deadlines } from './deadlines.ts';
import { HoldAlarms } from './hold-alarms.ts';
import { holdOf, leavingCalls } from './hold.ts';
import { type Policy } from './policy.ts';
import { type Ending, type Sink } from './sink.ts';
import { dropIfEmpty, longestReady, streamOf, type Hold, type Stream, type User } from './user.ts';

export type Overflow = Extract<RefusalReason, `${string}queue_${string}`>;

const ownMistake: Fault = { phase: 'unknown', name: 'proxy_internal_error' };

export class Coalescer<T> {
  readonly #policy: Policy;
  readonly #sink: Sink<T>;
  readonly #users = new Map<string, User<T>>();
  readonly #deadlines = new Deadlines<T>();
  readonly #alarms = new HoldAlarms<T>();
  #lastBatchId = 0;
  #draining = false;
  #calls = 0;
  #bytes = 0;
  #held = 0;
  #outstanding = 0;

  constructor(policy: Policy, sink: Sink<T>) {
    this.#policy = policy;
    this.#sink = sink;
  }

  /** Calls that wait for companions or for a departure. */
  get heldCalls(): number {
    return this.#held;
  }

  /** Calls that the pool works on, those whose callers left included. */
  get outstandingCalls(): number {
    return this.#outstanding;
  }

  get activeUsers(): number {
    return this.#users.size;
  }

  submit(arrival: Arrival<T>, nowMs: number): Call<T> | Overflow {
    const name = userName(arrival.key);
    const known = this.#users.get(name);
    const overflow = this.#overflow(known, arrival.sizeBytes);
    if (overflow !== undefined) return overflow;

    const user: User<T> = known ?? { name, streams: [], calls: 0, bytes: 0, outstanding: 0 };
    if (known === undefined) this.#users.set(name, user);
    const stream = streamOf(user, arrival.key);
    const call: Call<T> = {
      key: arrival.key,
      method: arrival.method,
      target: arrival.target,
      headers: arrival.headers,
      body: arrival.body,
      sizeBytes: arrival.sizeBytes,
      ticket: arrival.ticket,
      stream,
      arrivedAtMs: nowMs,
      deadlineAtMs: nowMs + this.#policy.timeoutMs,
      stage: 'held',
      batch: undefined,
      earlier: undefined,
      later: undefined,
    };
    this.#count(user, 1, call.sizeBytes);
    this.#held += 1;
    this.#deadlines.add(call);
    stream.queue.push(call);
    stream.queuedBytes += call.sizeBytes;
    this.#considerHold(stream, nowMs);
    this.#askToWake();
    return call;
  }

  /** The caller left, or is answered otherwise; it gets nothing from here any more. */
  cancel(call: Call<T>): void {
    switch (call.stage) {
      case 'held':
        this.#leaveQueue(call);
        this.#finish(call);
        return;
      case 'sent':
        this.#detach(call);
        return;
      case 'answering': {
        const { batch } = call;
        this.#finish(call);
        if (batch !== undefined) this.#sink.abandon(batch);
        return;
      }
      case 'done':
        return;
    }
  }

  /** A departure was granted. `false`: nobody is there to leave, the permit may be given back. */
  depart(user: User<T>, nowMs: number): boolean {
    const stream = longestReady(user);
    if (stream?.hold.kind !== 'ready') return false;
    const { reason, sinceMs } = stream.hold;
    const calls = leavingCalls(stream, this.#policy);
    stream.hold = { kind: 'empty' };
    if (!dropIfEmpty(stream)) this.#considerHold(stream, nowMs);
    this.#lastBatchId += 1;
    const batch: Batch<T> = {
      id: this.#lastBatchId,
      user,
      calls,
      flushReason: reason,
      readyAtMs: sinceMs,
      sentAtMs: nowMs,
      waiting: calls.length,
    };
    for (const call of calls) {
      call.stage = 'sent';
      call.batch = batch;
    }
    this.#held -= calls.length;
    this.#outstanding += calls.length;
    user.outstanding += calls.length;
    this.#sink.send(batch);
    this.#askToWake();
    return true;
  }

  /** The answer for the call at that position. */
  part(batch: Batch<T>, index: number, reply: Reply): void {
    const call = batch.calls[index];
    if (call?.stage !== 'sent') return;
    this.#finish(call);
    this.#sink.answer(call, reply);
  }

  /** A call that travels alone: its answer has begun and streams to the caller. */
  begin(batch: Batch<T>): void {
    const call = batch.calls[0];
    if (call?.stage !== 'sent') return;
    call.stage = 'answering';
    this.#deadlines.remove(call);
  }

  /** The exchange is over. Called exactly once for each batch that was sent. */
  settle(batch: Batch<T>, ending: Ending): void {
    this.#outstanding -= batch.calls.length;
    batch.user.outstanding -= batch.calls.length;
    for (const call of batch.calls) {
      if (call.stage === 'answering') this.#finish(call);
      if (call.stage !== 'sent') continue;
      this.#finish(call);
      if (ending.kind === 'relay') this.#sink.answer(call, ending.reply);
      else this.#sink.fail(call, ending.kind === 'fault' ? ending.fault : ownMistake);
    }
    this.#forgetIfIdle(batch.user);
  }

  wake(nowMs: number): void {
    for (let due = this.#alarms.takeDue(nowMs); due; due = this.#alarms.takeDue(nowMs)) {
      this.#setHold(due, { kind: 'ready', reason: 'linger', sinceMs: nowMs });
    }
    for (let call = this.#deadlines.first; call; call = this.#deadlines.first) {
      if (call.deadlineAtMs > nowMs) break;
      this.#expire(call);
    }
    this.#askToWake();
  }

  /** Nothing is held from now on. */
  drain(nowMs: number): void {
    this.#draining = true;
    for (const user of this.#users.values()) {
      for (const stream of user.streams) {
        this.#considerHold(stream, nowMs);
      }
    }
  }

  /** The end of the shutdown: every call that waits is failed. */
  expireAll(): void {
    for (let call = this.#deadlines.first; call; call = this.#deadlines.first) this.#expire(call);
  }

  #overflow(user: User<T> | undefined, sizeBytes: number): Overflow | undefined {
    const policy = this.#policy;
    if (this.#calls >= policy.maxQueuedCalls) return 'queue_calls';
    if (this.#bytes + sizeBytes > policy.maxQueuedBytes) return 'queue_bytes';
    if ((user?.calls ?? 0) >= policy.maxQueuedCallsPerUser) return 'user_queue_calls';
    if ((user?.bytes ?? 0) + sizeBytes > policy.maxQueuedBytesPerUser) return 'user_queue_bytes';
    return undefined;
  }

  /** After a change of a stream's queue: does it go on holding? */
  #considerHold(stream: Stream<T>, nowMs: number): void {
    const hold = holdOf(stream, this.#policy, this.#draining, nowMs);
    if (hold !== stream.hold) this.#setHold(stream, hold);
  }

  #setHold(stream: Stream<T>, hold: Hold): void {
    stream.hold = hold;
    if (hold.kind === 'holding') this.#alarms.add(stream, hold.untilMs);
    if (hold.kind === 'ready') this.#sink.permit(stream.user);
  }

  #leaveQueue(call: Call<T>): void {
    const { stream } = call;
    stream.queue.splice(stream.queue.indexOf(call), 1);
    stream.queuedBytes -= call.sizeBytes;
    this.#held -= 1;
    // An alarm or a permit that is still under way finds nobody and does nothing.
    dropIfEmpty(stream);
  }

  #detach(call: Call<T>): void {
    const { batch } = call;
    this.#finish(call);
    if (batch?.waiting === 0) this.#sink.abandon(batch);
  }

  #expire(call: Call<T>): void {
    if (call.stage === 'held') {
      this.cancel(call);
      this.#sink.fail(call, 'never-sent');
    } else {
      // Told before the batch is broken off, while the shell still knows how far it came.
      this.#sink.fail(call, 'late');
      this.#detach(call);
    }
  }

  #finish(call: Call<T>): void {
    call.stage = 'done';
    this.#deadlines.remove(call);
    if (call.batch !== undefined) call.batch.waiting -= 1;
    this.#count(call.stream.user, -1, -call.sizeBytes);
  }

  #count(user: User<T>, calls: number, bytes: number): void {
    user.calls += calls;
    user.bytes += bytes;
    this.#calls += calls;
    this.#bytes += bytes;
    this.#forgetIfIdle(user);
  }

  #forgetIfIdle(user: User<T>): void {
    if (user.calls === 0 && user.outstanding === 0) this.#users.delete(user.name);
  }

  #askToWake(): void {
    const hold = this.#alarms.nextAtMs;
    const deadline = this.#deadlines.first?.deadlineAtMs;
    if (hold !== undefined || deadline !== undefined) {
      this.#sink.wakeAt(Math.min(hold ?? Infinity, deadline ?? Infinity));
    }
  }
}
