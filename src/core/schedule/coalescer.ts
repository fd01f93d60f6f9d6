/**
 * The coalescer: which calls wait, which leave together, and that each ends exactly once.
 *
 * It is told what happens and when, and it speaks through a sink; it does nothing itself. A sink
 * method must not call back before it returns.
 *
 *   event            | call was        | call becomes | the sink is told
 *   -----------------|-----------------|--------------|------------------------------------------
 *   submit           | -               | held         | permit if its stream must leave, else wakeAt
 *   submit, a cap    | -               | refused      | nothing: the reason is returned
 *   submit, a twin   | -               | held         | nothing: it shares the part of its leader
 *   submit, a write  | held            | held         | permit: the write before a GET (barrier)
 *   wake, turn over  | held            | held         | permit, or wakeAt when it is worth waiting
 *   wake, hold over  | held            | held         | permit
 *   depart           | held            | sent         | send
 *   part             | sent            | sent         | nothing yet: the count may prove wrong
 *   wake, part early | sent            | done         | answer
 *   begin            | sent            | answering    | nothing: the answer streams past us
 *   settle           | sent            | done         | answer or fail; permit for who waited for it
 *   settle           | answering       | done         | nothing; permit likewise
 *   wake, deadline   | held, sent      | done         | fail; abandon when a safe batch's last caller
 *   cancel           | held, sent      | done         | abandon when it was a safe batch's last caller
 *   cancel           | answering       | done         | abandon
 *   barrier, drain   | held            | held         | permit
 *   expire           | held, sent      | done         | fail
 */
import { userName } from '../admit/batch-key.ts';
import type { Fault } from '../answer/fault.ts';
import type { Reply } from '../answer/reply.ts';
import { type Arrival, type Batch, type Call, newBatch, newCall, waitersOf } from './call.ts';
import { leaderFor } from './collapse.ts';
import { Deadlines } from './deadlines.ts';
import { EarlyReleases } from './early-releases.ts';
import { leavingCalls, noteHold } from './hold.ts';
import { Holds } from './holds.ts';
import type { Policy } from './policy.ts';
import type { Ending, Sink } from './sink.ts';
import { dropIfEmpty, longestReady, streamOf, type User, type UserMemory } from './user.ts';
import { Users, type Overflow } from './users.ts';

const ownMistake: Fault = { phase: 'unknown', name: 'proxy_internal_error' };

export class Coalescer<T> {
  readonly #policy: Policy;
  readonly #sink: Sink<T>;
  readonly #users: Users<T>;
  readonly #deadlines = new Deadlines<T>();
  readonly #holds: Holds<T>;
  readonly #early = new EarlyReleases<T>();
  #lastBatchId = 0;
  #lastSequence = 0;
  #held = 0;
  #outstanding = 0;

  constructor(policy: Policy, sink: Sink<T>, memory: UserMemory) {
    this.#policy = policy;
    this.#sink = sink;
    this.#users = new Users(policy, memory);
    this.#holds = new Holds(policy, sink);
  }

  /** Calls that wait for companions, for their turn or for a departure. */
  get heldCalls(): number {
    return this.#held;
  }
  /** Parts that the pool works on, those whose callers left included. */
  get outstandingCalls(): number {
    return this.#outstanding;
  }

  get users(): { readonly active: number; readonly idle: number } {
    return this.#users.counts;
  }

  submit(arrival: Arrival<T>, nowMs: number): Call<T> | Overflow {
    const user = this.#users.admit(userName(arrival.key), arrival.sizeBytes, nowMs);
    if (typeof user === 'string') return user;
    this.#holds.learnGap(user, arrival.callClass, nowMs);
    this.#lastSequence += 1;
    const stream = streamOf(user, arrival.key, arrival.callClass);
    const deadlineAtMs = nowMs + this.#policy.timeoutMs;
    const call = newCall(arrival, stream, this.#lastSequence, nowMs, deadlineAtMs);
    this.#held += 1;
    this.#deadlines.add(call);
    const held = user.order.arrive(call);
    const leader = this.#policy.collapse ? leaderFor(call) : undefined;
    if (leader === undefined) {
      stream.queue.push(call);
      stream.queuedBytes += call.sizeBytes;
      for (const write of held) this.#holds.flush(write.stream, 'barrier', nowMs);
      this.#holds.arrived(stream, nowMs);
    } else {
      call.leader = leader;
      (leader.followers ??= []).push(call);
    }
    this.#askToWake();
    return call;
  }

  /** The caller left, or is answered otherwise; it gets nothing from here any more. */
  cancel(call: Call<T>, nowMs: number): void {
    switch (call.stage) {
      case 'held':
        this.#leaveQueue(call, nowMs);
        this.#finish(call, nowMs);
        return;
      case 'sent':
        this.#detach(call, nowMs);
        return;
      case 'answering': {
        const { batch } = call;
        this.#finish(call, nowMs);
        if (batch !== undefined) this.#sink.abandon(batch);
        return;
      }
      case 'done':
        return;
    }
  }

  /** A departure was granted. `false`: nobody may leave, the permit can be given back. */
  depart(user: User<T>, operation: boolean, nowMs: number): boolean {
    const stream = longestReady(user, operation);
    if (stream?.hold.kind !== 'ready') return false;
    const { hold } = stream;
    const calls = leavingCalls(stream, this.#policy);
    this.#lastBatchId += 1;
    const batch = newBatch(this.#lastBatchId, stream, hold, calls, nowMs);
    this.#held -= batch.waiting;
    this.#outstanding += calls.length;
    user.outstanding += calls.length;
    noteHold(user, hold, calls);
    if (!dropIfEmpty(stream)) this.#holds.left(stream, hold, nowMs);
    for (const call of calls) {
      if (user.order.left(call, nowMs)) this.#permitReady(user);
    }
    this.#sink.send(batch);
    if (longestReady(user, operation) !== undefined) this.#sink.permit(user, operation);
    return true;
  }

  /** The answer at that position came whole. `early`: it may be given before the count is known. */
  part(batch: Batch<T>, index: number, reply: Reply | Fault, early: boolean, nowMs: number): void {
    if (batch.settled || index >= batch.calls.length) return;
    batch.replies[index] = reply;
    if (!early || 'phase' in reply) return;
    const atMs = this.#early.add(batch, index, nowMs);
    if (atMs !== undefined) this.#sink.wakeAt(atMs);
  }

  /** A call that travels alone: its answer has begun and streams to its caller. */
  begin(batch: Batch<T>, status: number): void {
    const call = batch.calls[0];
    this.#notice(batch.user, status);
    if (call?.stage !== 'sent') return;
    call.stage = 'answering';
    this.#deadlines.remove(call);
  }

  /** The exchange is over. Called exactly once for each batch that was sent. */
  settle(batch: Batch<T>, ending: Ending, nowMs: number): void {
    const { user, calls } = batch;
    batch.settled = true;
    this.#outstanding -= calls.length;
    user.outstanding -= calls.length;
    if (ending.kind === 'miscounted' && batch.releasedEarly) this.#early.distrust(nowMs);
    calls.forEach((call, index) => {
      const reply = ending.kind === 'miscounted' ? ending.fault : batch.replies[index];
      this.#conclude(call, reply, ending, nowMs);
    });
    this.#users.idle(user, nowMs);
  }

  wake(nowMs: number): void {
    this.#holds.wake(nowMs);
    for (let part = this.#early.takeDue(nowMs); part; part = this.#early.takeDue(nowMs)) {
      const call = part.batch.calls[part.index];
      const reply = part.batch.replies[part.index];
      if (call === undefined || reply === undefined || part.batch.settled) continue;
      part.batch.releasedEarly = true;
      this.#answer(call, reply, nowMs);
    }
    for (let call = this.#deadlines.first; call; call = this.#deadlines.first) {
      if (call.deadlineAtMs > nowMs) break;
      this.#expire(call, nowMs);
    }
    this.#users.sweep(nowMs);
    this.#askToWake();
  }

  /** A write of the user that passes us by is about to leave: what is held leaves before it. */
  barrier(name: string, nowMs: number): void {
    const user = this.#users.find(name);
    for (const stream of user?.streams ?? []) this.#holds.flush(stream, 'barrier', nowMs);
  }

  /** Nothing is held from now on. */
  drain(nowMs: number): void {
    this.#holds.drain();
    for (const user of this.#users.all()) {
      for (const stream of user.streams) this.#holds.flush(stream, 'drain', nowMs);
    }
  }

  /** The end of the shutdown: every call that waits is failed. */
  expireAll(nowMs: number): void {
    for (let call = this.#deadlines.first; call; call = this.#deadlines.first)
      this.#expire(call, nowMs);
  }

  #permitReady(user: User<T>): void {
    for (const { hold, callClass } of user.streams) {
      if (hold.kind === 'ready') this.#sink.permit(user, callClass === 'operation');
    }
  }

  #conclude(call: Call<T>, reply: Reply | Fault | undefined, ending: Ending, nowMs: number): void {
    const { user } = call.stream;
    if (ending.kind === 'relay') this.#answer(call, ending.reply, nowMs);
    else if (reply !== undefined) this.#answer(call, reply, nowMs);
    else this.#answer(call, ending.kind === 'complete' ? ownMistake : ending.fault, nowMs);
    if (call.stage === 'answering') this.#finish(call, nowMs);
    if (call.callClass !== 'safe' && user.order.over(call, nowMs)) this.#permitReady(user);
  }

  /** Gives its answer to whoever of a part's callers still waits. */
  #answer(call: Call<T>, reply: Reply | Fault, nowMs: number): void {
    if (!('phase' in reply)) this.#notice(call.stream.user, reply.status);
    for (const waiter of [...waitersOf(call)]) {
      if (waiter.stage !== 'sent') continue;
      this.#finish(waiter, nowMs);
      if ('phase' in reply) this.#sink.fail(waiter, reply);
      else this.#sink.answer(waiter, reply);
    }
  }

  #notice(user: User<T>, status: number): void {
    if (status >= 200 && status < 300) user.proved = true;
  }

  #leaveQueue(call: Call<T>, nowMs: number): void {
    const { stream, leader, followers } = call;
    if (leader !== undefined) {
      leader.followers = leader.followers?.filter((follower) => follower !== call);
      return;
    }
    const at = stream.queue.indexOf(call);
    const [heir, ...others] = followers ?? [];
    if (heir !== undefined) {
      heir.leader = undefined;
      heir.followers = others.length > 0 ? others : undefined;
      for (const other of others) other.leader = heir;
      stream.queue[at] = heir;
      stream.queuedBytes += heir.sizeBytes - call.sizeBytes;
      return;
    }
    stream.queue.splice(at, 1);
    stream.queuedBytes -= call.sizeBytes;
    // An alarm or a permit that is still under way finds nobody and does nothing.
    dropIfEmpty(stream);
    if (call.callClass === 'safe') return;
    const left = stream.user.order.left(call, nowMs);
    if (stream.user.order.over(call, nowMs) || left) this.#permitReady(stream.user);
  }

  #detach(call: Call<T>, nowMs: number): void {
    const { batch } = call;
    this.#finish(call, nowMs);
    if (batch?.waiting === 0 && batch.callClass === 'safe') this.#sink.abandon(batch);
  }

  #expire(call: Call<T>, nowMs: number): void {
    if (call.stage === 'held') {
      this.#leaveQueue(call, nowMs);
      this.#finish(call, nowMs);
      this.#sink.fail(call, 'never-sent');
    } else {
      // Told before the batch is broken off, while the shell still knows how far it came.
      this.#sink.fail(call, 'late');
      this.#detach(call, nowMs);
    }
  }

  #finish(call: Call<T>, nowMs: number): void {
    if (call.stage === 'held') this.#held -= 1;
    call.stage = 'done';
    this.#deadlines.remove(call);
    if (call.batch !== undefined) call.batch.waiting -= 1;
    this.#users.ended(call.stream.user, call.sizeBytes, nowMs);
  }

  #askToWake(): void {
    const atMs = Math.min(
      this.#holds.nextAtMs ?? Infinity,
      this.#deadlines.first?.deadlineAtMs ?? Infinity,
      this.#early.nextAtMs ?? Infinity,
    );
    if (atMs !== Infinity) this.#sink.wakeAt(atMs);
  }
}
