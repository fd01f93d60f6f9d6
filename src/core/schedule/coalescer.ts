/**
 * Decides which calls wait and which calls are sent together, and ends each call exactly once. The engine
 * reports each event with its time. The coalescer answers through a sink, which must not call back
 * synchronously.
 *
 *     event                   | stage of call | next stage | effect on the sink
 *     ------------------------|---------------|------------|-------------------------------------------
 *     submit                  | -             | held       | permit if the stream is ready, else wakeAt
 *     submit, cap exceeded    | -             | refused    | none: `submit` returns the limit
 *     submit, duplicate       | -             | held       | none: the call follows its leader
 *     submit, later GET       | held          | held       | permit for the write before the GET (barrier)
 *     wake, turn or hold ends | held          | held       | permit; wakeAt if waiting is worthwhile
 *     dispatch                | held          | sent       | send
 *     dispatch, no room       | held          | held       | wakeAt, if time alone can make room
 *     part                    | sent          | sent       | wakeAt, if it may be released early
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
import { neverHeldUpTo } from '../messages/urgency.ts';
import { TimerHeap } from '../structures/timer-heap.ts';
import { processRetries, RetryBudget } from './estimators/retry-budget.ts';
import type { Arrival, Batch, Call, Stream, User, UserMemory } from './state.ts';
import { leaderFor } from './order/deduplication.ts';
import { EarlyParts } from './answers/early-parts.ts';
import { checkCapacity } from './dispatch/dispatch-check.ts';
import { block, recheck } from './dispatch/capacity-checks.ts';
import { spareRoomOf } from './dispatch/spare-room.ts';
import { hasUrgent, rank } from './order/urgency.ts';
import { countSendable, takeSendable, recordHold } from './hold/hold-decision.ts';
import { HoldTimers } from './hold/hold-timers.ts';
import { Hedging } from './slow/hedging.ts';
import { Feedback } from './answers/feedback.ts';
import { moveToAnswering, newBatch, newCall } from './queue/calls.ts';
import { OpenCalls } from './queue/open-calls.ts';
import type { Policy } from './policy.ts';
import { Cancellation } from './ending/cancellation.ts';
import { Retries } from './ending/retries.ts';
import { SlowRoutes } from './slow/slow-routes.ts';
import { Settlement } from './ending/settlement.ts';
import { BatchBypass } from './dispatch/batch-bypass.ts';
import type { Sink } from './sink.ts';
import { recordSent } from './queue/split-stats.ts';
import { Users, type Overflow } from './queue/users.ts';
import type { Ending } from '../answer/ending.ts';
import { dropIfEmpty, nextReady, streamOf, requestPermits } from './queue/stream.ts';
import { isRefusal } from '../ucwa/protocol.ts';

export class Coalescer<T> {
  readonly #policy: Policy;
  readonly #sink: Sink<T>;
  readonly #users: Users<T>;
  readonly #openCalls: OpenCalls<T>;
  readonly #holds: HoldTimers<T>;
  readonly #early: EarlyParts<T>;
  readonly #processBudget = new RetryBudget(processRetries, 0);
  readonly #retries: Retries<T>;
  readonly #settlement: Settlement<T>;
  readonly #bypass: BatchBypass<T>;
  readonly #routes = new SlowRoutes();
  readonly #hedging = new Hedging<T>(this.#routes);
  readonly #cancellation: Cancellation<T>;
  readonly #feedback: Feedback<T>;
  /** Users with calls that time alone may allow to be sent. */
  readonly #capacityChecks = new TimerHeap<User<T>>();
  #lastBatchId = 0;
  #lastSequence = 0;

  /** @param random number in [0, 1) for the jitter of backoffs */
  constructor(policy: Policy, sink: Sink<T>, memory: UserMemory, random: () => number) {
    this.#policy = policy;
    this.#sink = sink;
    this.#users = new Users(policy, memory);
    this.#openCalls = new OpenCalls(sink, this.#users);
    this.#holds = new HoldTimers(policy, sink);
    this.#retries = new Retries(sink, this.#openCalls, this.#processBudget);
    this.#settlement = new Settlement(sink, this.#openCalls, this.#retries);
    this.#cancellation = new Cancellation(sink, this.#openCalls);
    this.#bypass = new BatchBypass(policy);
    this.#feedback = new Feedback(sink.events, this.#routes, this.#bypass, policy.maxUsers, random);
    this.#early = new EarlyParts(this.#openCalls, this.#feedback);
  }

  get heldCalls(): number {
    return this.#openCalls.held;
  }

  get outstandingCalls(): number {
    return this.#openCalls.outstanding;
  }

  get users(): { readonly active: number; readonly idle: number } {
    return this.#users.counts;
  }

  submit(arrival: Arrival<T>, nowMs: number): Call<T> | Overflow {
    const user = this.#users.admit(arrival.key.user, arrival.sizeBytes, nowMs);
    if (typeof user === 'string') return user;
    user.retryBudget.deposit();
    this.#processBudget.deposit();
    const route = this.#routes.of(arrival);
    if (!route.isSlow && !arrival.isAlone) this.#holds.learnGap(user, arrival.callClass, nowMs);
    const unbatched = route.isSlow || this.#bypass.mustBypass(user, arrival, route.name, nowMs);
    const stream = streamOf(user, arrival.key, arrival.callClass, unbatched);
    const deadlineAtMs = (arrival.acceptedAtMs ?? nowMs) + this.#policy.timeoutMs;
    const call = newCall(arrival, stream, route, (this.#lastSequence += 1), nowMs, deadlineAtMs);
    this.#openCalls.open(call);
    const earlierWrites = user.order.arrive(call);
    if (user.hasUrgencies || arrival.urgency !== undefined) {
      for (const write of rank(call, this.#policy))
        this.#holds.flush(write.stream, 'barrier', nowMs);
    }
    const leader = this.#policy.collapse && stream.queue.length > 0 ? leaderFor(call) : undefined;
    if (leader === undefined) {
      stream.queue.push(call);
      stream.queuedBytes += call.sizeBytes;
      for (const write of earlierWrites) this.#holds.flush(write.stream, 'barrier', nowMs);
      this.#holds.arrived(stream, nowMs);
    } else {
      call.leader = leader;
      (leader.followers ??= []).push(call);
    }
    if (this.#openCalls.deadlines.first === call) this.#sink.wakeAt(deadlineAtMs);
    return call;
  }

  /** Cancels a call: its caller left, or was answered by the listener, and gets nothing more from here. */
  cancel(call: Call<T>, nowMs: number): void {
    this.#cancellation.cancel(call, nowMs);
  }

  /** Uses a dispatch permit. Returns `false` if no call may be sent, so that the permit can be released. */
  dispatch(user: User<T>, unbatched: boolean, nowMs: number): boolean {
    const stream = nextReady(user, unbatched);
    if (stream?.hold.kind !== 'ready') return false;
    const { maxParts, maxBytes } = this.#policy;
    const { limit, batchSizeCap } = user.learned;
    const most = unbatched ? 1 : Math.min(batchSizeCap.maxParts, limit.maxParts(maxParts));
    const wanted = countSendable(stream, most, maxBytes);
    const isUrgent = user.hasUrgencies && hasUrgent(stream, neverHeldUpTo);
    const capacity = checkCapacity(user, wanted, unbatched, nowMs, isUrgent);
    if (capacity.kind === 'blocked') {
      block(user, capacity, this.#capacityChecks, this.#sink, nowMs);
      return false;
    }
    // An unbatched call does not end the wait of batches for room.
    if (!unbatched && user.blocked.isBlocked) user.blocked.end(nowMs);
    const calls = takeSendable(stream, capacity.parts, maxBytes);
    this.#send(stream, stream.hold, calls, capacity.probe, nowMs);
    if (user.streams.length > 0 && nextReady(user, unbatched) !== undefined)
      this.#sink.requestPermit(user, unbatched);
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
    user.shares?.sent(stream, parts);
    user.learned.limit.sent(probe, nowMs);
    this.#lastBatchId += 1;
    const sentRequest = { parts, outstanding: user.outstanding, sentAtMs: nowMs, probe };
    const batch = newBatch(this.#lastBatchId, stream, hold, calls, sentRequest);
    this.#openCalls.held -= batch.waiting;
    this.#openCalls.outstanding += parts;
    if (hold.held) recordHold(user, hold, calls);
    if (calls.some((call) => call.refusedBatch !== undefined)) recordSent(calls, this.#sink.events);
    if (!dropIfEmpty(stream)) this.#holds.afterDispatch(stream, hold, nowMs);
    for (const call of calls) if (user.order.sent(call, nowMs)) requestPermits(user, this.#sink);
    this.#sink.wakeAt(this.#hedging.watch(batch));
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
    this.#feedback.learnAnswer(batch, call, status, nowMs);
    moveToAnswering(call);
    this.#openCalls.deadlines.remove(call);
  }

  /** Ends a request. The engine calls this exactly once for each batch that was sent. */
  settle(batch: Batch<T>, ending: Ending, nowMs: number): void {
    const { user, calls } = batch;
    batch.settled = true;
    this.#hedging.settled(batch, ending.kind !== 'failure');
    this.#openCalls.outstanding -= calls.length;
    user.outstanding -= calls.length;
    const isMiscounted = ending.kind === 'failure' && ending.cause === 'miscounted';
    if (isMiscounted && batch.releasedEarly) this.#early.distrust(nowMs);
    this.#feedback.learnEnding(batch, ending, nowMs);
    this.#settlement.settle(batch, ending, this.#holds.isDraining, nowMs);
    batch.replies.length = 0;
    if (user.streams.length > 0)
      this.#cancellation.endOutlasted(user, this.#holds.isDraining, nowMs);
    for (const call of calls)
      if (call.callClass !== 'safe' && call.stage === 'done') user.order.ended(call, nowMs);
    if (user.streams.length > 0) requestPermits(user, this.#sink);
    if (user.idleSinceMs === undefined) this.#users.idle(user, nowMs);
  }

  /** Counts pass-through calls of a user: a positive number begins, a negative number ends. */
  passedThrough(name: string, calls: number, poll: boolean, nowMs: number): void {
    const user = calls > 0 ? this.#users.open(name, nowMs) : this.#users.find(name);
    if (user === undefined) return;
    user.outstanding += calls;
    if (poll) user.polls += calls;
    else user.passedThroughAtMs = nowMs;
    if (calls < 0) requestPermits(user, this.#sink);
    this.#users.idle(user, nowMs);
  }

  wake(nowMs: number): void {
    this.#holds.wake(nowMs);
    if (this.#early.nextAtMs <= nowMs) this.#early.release(nowMs);
    while (this.#hedging.nextAtMs <= nowMs) {
      const late = this.#hedging.takeLate(nowMs);
      if (late?.freesSlot === true) this.#sink.freeSlot(late.batch);
      if (late?.isNew === true) this.#sink.events.lateBatch();
      for (const call of late?.calls ?? []) this.#retries.hedge(call, nowMs);
    }
    if (this.#capacityChecks.nextAtMs <= nowMs) recheck(this.#capacityChecks, this.#sink, nowMs);
    const { deadlines } = this.#openCalls;
    for (let call = deadlines.first; call; call = deadlines.first) {
      if (call.deadlineAtMs > nowMs) break;
      this.#cancellation.expire(call, nowMs);
    }
    this.#users.sweep(nowMs);
    this.#askToWake();
  }

  /** A pass-through write of the user is about to be sent. Its held calls are sent first. */
  barrier(name: string, nowMs: number): void {
    const user = this.#users.find(name);
    for (const stream of user?.streams ?? []) this.#holds.flush(stream, 'barrier', nowMs);
  }

  spareRoom(name: string, nowMs: number): number {
    return spareRoomOf(this.#users.find(name), nowMs);
  }

  /** No call is held from now on, and no call waits for the end of a backoff. */
  drain(nowMs: number): void {
    this.#holds.drain();
    for (const user of this.#users.all()) {
      for (const stream of user.streams) this.#holds.flush(stream, 'drain', nowMs);
      this.#cancellation.endOutlasted(user, true, nowMs);
    }
  }

  /** See `HoldTimers`. The policy object has other values now. */
  policyChanged(nowMs: number): void {
    this.#holds.policyChanged(this.#users.all(), nowMs);
  }

  /** Fails every call that still waits, at the end of the shutdown. */
  expireAll(nowMs: number): void {
    this.#cancellation.expireAll(nowMs);
  }

  /** Each timer asks for its own time when it is set. After a wake-up the next timer must ask again. */
  #askToWake(): void {
    const atMs = Math.min(
      this.#holds.nextAtMs,
      this.#openCalls.deadlines.first?.deadlineAtMs ?? Infinity,
      this.#early.nextAtMs,
      this.#hedging.nextAtMs,
      this.#capacityChecks.nextAtMs,
    );
    if (atMs !== Infinity) this.#sink.wakeAt(atMs);
  }
}
