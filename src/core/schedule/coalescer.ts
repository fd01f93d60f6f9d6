/**
 * Decides which calls wait and which calls are sent together, and ends each call exactly once. The engine
 * reports each event with its time. The coalescer answers through a sink, which must not call back
 * synchronously.
 *
 *     event                   | stage of call | next stage | effect on the sink
 *     ------------------------|---------------|------------|-------------------------------------------
 *     submit                  | -             | held       | permit if the stream is ready, else wakeAt
 *     submit, cap exceeded    | -             | refused    | none: the cap is returned
 *     submit, duplicate       | -             | held       | none: the call follows its leader
 *     submit, later GET       | held          | held       | permit for the write before the GET (barrier)
 *     wake, end of turn       | held          | held       | permit; wakeAt if waiting is worthwhile
 *     wake, end of hold       | held          | held       | permit
 *     dispatch                | held          | sent       | send
 *     dispatch, no room       | held          | held       | wakeAt, if time alone can make room
 *     part                    | sent          | sent       | none: the count of parts may be wrong
 *     wake, early part        | sent          | done       | answer
 *     wake, late batch        | sent          | sent       | permit for a hedged request, freeSlot
 *     begin                   | sent          | answering  | none: the answer streams to the caller
 *     settle                  | sent          | done       | answer or fail; permit for waiting calls
 *     settle, failure         | sent          | held, done | as in the retry table
 *     settle                  | answering     | done       | permit for waiting calls
 *     wake, cancel, expireAll | held, sent    | done       | fail, unless the caller left; abandon a safe
 *                             |               |            | batch without callers
 *     cancel                  | answering     | done       | abandon
 *     barrier, drain          | held          | held       | permit
 *     drain in a backoff      | held          | done       | fail
 */
import type { Fault } from '../messages/fault.ts';
import { type Reply, isReply } from '../messages/reply.ts';
import { Alarms } from '../structures/timer-heap.ts';
import { Budget } from './estimators/retry-budget.ts';
import type { Arrival, Batch, Call, Stream, User, UserMemory } from './state.ts';
import { leaderFor } from './order/deduplication.ts';
import { EarlyReleases } from './answers/early-parts.ts';
import { type Leave, mayLeave } from './dispatch/dispatch-check.ts';
import { countLeaving, leavingCalls, noteHold } from './hold/hold-decision.ts';
import { Holds } from './hold/hold-timers.ts';
import { LateBatches } from './slow/hedging.ts';
import { Learning } from './answers/feedback.ts';
import { newBatch, newCall } from './queue/calls.ts';
import { Ledger } from './queue/open-calls.ts';
import type { Policy } from './policy.ts';
import { QueueExits } from './ending/cancellation.ts';
import { Repeats } from './ending/retries.ts';
import { RouteTimes } from './slow/slow-routes.ts';
import { Settlement } from './ending/settlement.ts';
import { Singly } from './dispatch/batch-bypass.ts';
import type { Sink } from './sink.ts';
import { noteLeft } from './queue/split-stats.ts';
import { Users, type Overflow } from './queue/users.ts';
import type { Ending } from '../answer/ending.ts';
import { dropIfEmpty, longestReady, streamOf, permitReady } from './queue/stream.ts';
import { isRefusal } from '../ucwa/protocol.ts';

/** Retries that the process can save up. */
const mostRepeats = 1000;

export class Coalescer<T> {
  readonly #policy: Policy;
  readonly #sink: Sink<T>;
  readonly #users: Users<T>;
  readonly #ledger: Ledger<T>;
  readonly #holds: Holds<T>;
  readonly #early: EarlyReleases<T>;
  readonly #budget = new Budget(mostRepeats, 0);
  readonly #repeats: Repeats<T>;
  readonly #settlement: Settlement<T>;
  readonly #singly: Singly<T>;
  readonly #routes = new RouteTimes();
  readonly #late = new LateBatches<T>(this.#routes);
  readonly #exits: QueueExits<T>;
  readonly #learning: Learning<T>;
  /** Users with calls that time alone may allow to be sent. */
  readonly #retries = new Alarms<User<T>>();
  #lastBatchId = 0;
  #lastSequence = 0;

  /** @param random number in [0, 1) for the jitter of backoffs */
  constructor(policy: Policy, sink: Sink<T>, memory: UserMemory, random: () => number) {
    this.#policy = policy;
    this.#sink = sink;
    this.#users = new Users(policy, memory);
    this.#ledger = new Ledger(sink, this.#users);
    this.#holds = new Holds(policy, sink);
    this.#repeats = new Repeats(sink, this.#ledger, this.#budget);
    this.#settlement = new Settlement(sink, this.#ledger, this.#repeats);
    this.#exits = new QueueExits(sink, this.#ledger);
    this.#singly = new Singly(policy.mode);
    this.#learning = new Learning(sink.notes, this.#routes, this.#singly, policy.maxUsers, random);
    this.#early = new EarlyReleases(this.#ledger, this.#learning);
  }

  get heldCalls(): number {
    return this.#ledger.held;
  }

  get outstandingCalls(): number {
    return this.#ledger.outstanding;
  }

  get users(): { readonly active: number; readonly idle: number } {
    return this.#users.counts;
  }

  submit(arrival: Arrival<T>, nowMs: number): Call<T> | Overflow {
    const user = this.#users.admit(arrival.key.user, arrival.sizeBytes, nowMs);
    if (typeof user === 'string') return user;
    user.budget.deposit();
    this.#budget.deposit();
    const route = this.#routes.of(arrival);
    if (!route.isSlow) this.#holds.learnGap(user, arrival.callClass, nowMs);
    const solo = route.isSlow || this.#singly.mustGoAlone(user, arrival, nowMs);
    const stream = streamOf(user, arrival.key, arrival.callClass, solo);
    const deadlineAtMs = nowMs + this.#policy.timeoutMs;
    const call = newCall(arrival, stream, route, (this.#lastSequence += 1), nowMs, deadlineAtMs);
    this.#ledger.held += 1;
    this.#ledger.deadlines.add(call);
    const held = user.order.arrive(call);
    const leader = this.#policy.collapse && stream.queue.length > 0 ? leaderFor(call) : undefined;
    if (leader === undefined) {
      stream.queue.push(call);
      stream.queuedBytes += call.sizeBytes;
      for (const write of held) this.#holds.flush(write.stream, 'barrier', nowMs);
      this.#holds.arrived(stream, nowMs);
    } else {
      call.leader = leader;
      (leader.followers ??= []).push(call);
    }
    if (this.#ledger.deadlines.first === call) this.#sink.wakeAt(deadlineAtMs);
    return call;
  }

  /** Cancels a call: its caller left, or got another answer. The coalescer sends this caller nothing more. */
  cancel(call: Call<T>, nowMs: number): void {
    this.#exits.cancel(call, nowMs);
  }

  /** Uses a dispatch permit. Returns `false` if no call may be sent, so that the permit can be released. */
  depart(user: User<T>, solo: boolean, nowMs: number): boolean {
    const stream = longestReady(user, solo);
    if (stream?.hold.kind !== 'ready') return false;
    const { maxParts, maxBytes } = this.#policy;
    const { limit, lateness } = user.learnt;
    const most = solo ? 1 : Math.min(lateness.maxParts, limit.maxParts(maxParts));
    const leave = mayLeave(user, countLeaving(stream, most, maxBytes), solo, nowMs);
    if (leave.kind === 'blocked') {
      this.#block(user, leave, nowMs);
      return false;
    }
    // An unbatched call does not end the wait of batches for room.
    if (!solo && user.blocked.isBlocked) user.blocked.end(nowMs);
    const calls = leavingCalls(stream, leave.parts, maxBytes);
    this.#send(stream, stream.hold, calls, leave.probe, nowMs);
    const isMoreReady = user.streams.length > 0 && longestReady(user, solo) !== undefined;
    if (isMoreReady) this.#sink.permit(user, solo);
    return true;
  }

  #send(
    stream: Stream<T>,
    hold: Stream<T>['hold'] & { readonly kind: 'ready' },
    calls: ReadonlyArray<Call<T>>,
    probe: boolean,
    nowMs: number,
  ): void {
    const { user } = stream;
    const parts = calls.length;
    user.outstanding += parts;
    user.learnt.limit.sent(probe, nowMs);
    this.#lastBatchId += 1;
    const travelled = { parts, outstanding: user.outstanding, sentAtMs: nowMs, probe };
    const batch = newBatch(this.#lastBatchId, stream, hold, calls, travelled);
    this.#ledger.held -= batch.waiting;
    this.#ledger.outstanding += parts;
    noteHold(user, hold, calls);
    if (calls.some((call) => call.refusedBatch !== undefined)) noteLeft(calls, this.#sink.notes);
    if (!dropIfEmpty(stream)) this.#holds.left(stream, hold, nowMs);
    for (const call of calls) {
      if (user.order.left(call, nowMs)) permitReady(user, this.#sink);
    }
    this.#sink.wakeAt(this.#late.sent(batch));
    this.#sink.send(batch);
  }

  /** Takes a whole part. `early`: it may be released before the count of parts is known. */
  part(batch: Batch<T>, index: number, reply: Reply | Fault, early: boolean, nowMs: number): void {
    if (batch.settled || index >= batch.calls.length) return;
    batch.replies[index] = reply;
    if (!early || !isReply(reply) || isRefusal(reply.status)) return;
    const atMs = this.#early.add(batch, index, nowMs);
    if (atMs !== undefined) this.#sink.wakeAt(atMs);
  }

  /** The answer to a single call has begun, and streams to its caller. */
  begin(batch: Batch<T>, status: number, nowMs: number): void {
    const call = batch.calls[0];
    batch.status = status;
    if (call?.stage !== 'sent') return;
    this.#learning.notice(batch, call, status, nowMs);
    call.stage = 'answering';
    this.#ledger.deadlines.remove(call);
  }

  /** Ends a request. The engine calls this exactly once for each batch that was sent. */
  settle(batch: Batch<T>, ending: Ending, nowMs: number): void {
    const { user, calls } = batch;
    batch.settled = true;
    this.#late.settled(batch, ending.kind !== 'trouble');
    this.#ledger.outstanding -= calls.length;
    user.outstanding -= calls.length;
    const isMiscounted = ending.kind === 'trouble' && ending.trouble === 'miscounted';
    if (isMiscounted && batch.releasedEarly) this.#early.distrust(nowMs);
    this.#learning.settled(batch, ending, nowMs);
    this.#settlement.settle(batch, ending, this.#holds.isDraining, nowMs);
    batch.replies.length = 0;
    if (user.streams.length > 0) this.#exits.outlasted(user, this.#holds.isDraining, nowMs);
    for (const call of calls) {
      if (call.callClass !== 'safe' && call.stage === 'done') user.order.over(call, nowMs);
    }
    if (user.streams.length > 0) permitReady(user, this.#sink);
    this.#users.idle(user, nowMs);
  }

  /** Counts pass-through calls of a user: a positive number begins, a negative number ends. */
  passedThrough(name: string, calls: number, poll: boolean, nowMs: number): void {
    const user = calls > 0 ? this.#users.open(name, nowMs) : this.#users.find(name);
    if (user === undefined) return;
    user.outstanding += calls;
    if (poll) user.polls += calls;
    else user.passedThroughAtMs = nowMs;
    if (calls < 0) permitReady(user, this.#sink);
    this.#users.idle(user, nowMs);
  }

  wake(nowMs: number): void {
    this.#holds.wake(nowMs);
    if (this.#early.nextAtMs <= nowMs) this.#early.release(nowMs);
    while (this.#late.nextAtMs <= nowMs) {
      const late = this.#late.takeLate(nowMs);
      if (late?.freesSlot === true) this.#sink.freeSlot(late.batch);
      if (late?.isNew === true) this.#sink.notes.lateBatch();
      for (const call of late?.calls ?? []) this.#repeats.beside(call, nowMs);
    }
    while (this.#retries.nextAtMs <= nowMs) {
      const { what: user, atMs } = this.#retries.take();
      if (user.retryAtMs === atMs) user.retryAtMs = Infinity;
      permitReady(user, this.#sink);
    }
    const { deadlines } = this.#ledger;
    for (let call = deadlines.first; call; call = deadlines.first) {
      if (call.deadlineAtMs > nowMs) break;
      this.#exits.expire(call, nowMs);
    }
    this.#users.sweep(nowMs);
    this.#askToWake();
  }

  /** A pass-through write of the user is about to be sent. Its held calls are sent first. */
  barrier(name: string, nowMs: number): void {
    const user = this.#users.find(name);
    for (const stream of user?.streams ?? []) this.#holds.flush(stream, 'barrier', nowMs);
  }

  /** No call is held from now on, and no call waits for the end of a backoff. */
  drain(nowMs: number): void {
    this.#holds.drain();
    for (const user of this.#users.all()) {
      for (const stream of user.streams) this.#holds.flush(stream, 'drain', nowMs);
      this.#exits.outlasted(user, true, nowMs);
    }
  }

  /** Fails every call that still waits, at the end of the shutdown. */
  expireAll(nowMs: number): void {
    const { deadlines } = this.#ledger;
    for (let call = deadlines.first; call; call = deadlines.first) this.#exits.expire(call, nowMs);
  }

  #block(user: User<T>, { reason, untilMs }: Leave & { kind: 'blocked' }, nowMs: number): void {
    user.blocked.begin(reason, nowMs);
    if (untilMs >= user.retryAtMs) return;
    user.retryAtMs = untilMs;
    this.#retries.add(user, untilMs);
    this.#sink.wakeAt(untilMs);
  }

  /** Each timer asks for its own time when it is set. After a wake-up the next timer must ask again. */
  #askToWake(): void {
    const atMs = Math.min(
      this.#holds.nextAtMs,
      this.#ledger.deadlines.first?.deadlineAtMs ?? Infinity,
      this.#early.nextAtMs,
      this.#late.nextAtMs,
      this.#retries.nextAtMs,
    );
    if (atMs !== Infinity) this.#sink.wakeAt(atMs);
  }
}
