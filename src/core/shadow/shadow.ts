/**
 * The shadow: runs a second coalescer beside calls that are really sent one by one, and reports what batching
 * would save and cost. The shadow learns of each real arrival and outcome, and sends nothing. Its requests end at
 * exact times, which follow from the real durations of their calls. A late `wake` does not change these times.
 *
 *     method                        | effect in the shadow
 *     ------------------------------|-----------------------------------------------------------------
 *     arrives                       | submits the call, now or when its client would have sent it (`pace`)
 *     outcome, realEnded            | requests with this call may get their end
 *     realEnded                     | reports the added latency, once the call has ended in the shadow too
 *     callerLeft                    | cancels the call
 *     barrier, passedThrough, drain | the same method of the coalescer
 *     wake                          | ends requests, each at its time, and then holds
 */
import { TimerHeap } from '../structures/timer-heap.ts';
import type { Batch, Call, User, UserMemory } from '../schedule/state.ts';
import { Coalescer } from '../schedule/coalescer.ts';
import { dispatchLimits, DispatchSlots } from '../schedule/dispatch/dispatch-slots.ts';
import type { Policy } from '../schedule/policy.ts';
import type { Sink } from '../schedule/sink.ts';
import { Paces } from './pace.ts';
import {
  ignoredNotes,
  newShadowCall,
  type ShadowArrival,
  type ShadowCall,
  type ShadowReport,
  withCaller,
  type InFlightRequest,
} from './state.ts';
import {
  abandoned,
  endOf,
  newCallsOf,
  newRequest,
  replyOf,
  type RequestEnd,
} from './in-flight-request.ts';
import type { Outcome } from './outcome.ts';

/** The settings under which the shadow runs. */
export interface ShadowOptions {
  readonly policy: Policy;
  readonly maxInFlightPerUser: number;
  readonly maxConnections: number;
}

type Event =
  | { readonly kind: 'arrive'; readonly call: ShadowCall }
  | { readonly kind: 'end'; readonly request: InFlightRequest; readonly end: RequestEnd };

/** All times are in ms on one clock, and must not decrease from call to call. */
export class Shadow implements Sink<ShadowCall> {
  readonly events = ignoredNotes;
  readonly #report: ShadowReport;
  readonly #core: Coalescer<ShadowCall>;
  readonly #slots: DispatchSlots<User<ShadowCall>>;
  readonly #paces: Paces;
  readonly #events = new TimerHeap<Event>();
  readonly #inFlight = new Map<Batch<ShadowCall>, InFlightRequest>();
  /** Whether the last granted permit is for a single request. */
  #unbatched = false;
  #nowMs = -Infinity;
  #wakeAtMs = Infinity;

  /**
   * @param memory keeps the learned state of idle users
   * @param random returns numbers in [0, 1), for the jitter of the backoff
   */
  constructor(
    options: ShadowOptions,
    report: ShadowReport,
    memory: UserMemory,
    random: () => number,
  ) {
    this.#report = report;
    this.#core = new Coalescer(options.policy, this, memory, random);
    this.#paces = new Paces(options.policy);
    this.#slots = new DispatchSlots(dispatchLimits(options));
  }

  /** The time of the next hold or deadline. `wake` must be called then. */
  get wakeAtMs(): number {
    return this.#wakeAtMs;
  }

  /** The time of the next end of a request. A call of `wake` then frees the memory of the request. */
  get endsAtMs(): number {
    return this.#events.nextAtMs;
  }

  /** Records that a call really arrived. The returned object identifies the call in other methods. */
  arrives(arrival: ShadowArrival, nowMs: number): ShadowCall {
    this.#reach(nowMs);
    const call = newShadowCall(arrival, this.#paces.of(arrival.key.user, nowMs), nowMs);
    const atMs = this.#paces.arrives(call, nowMs);
    if (atMs !== undefined) {
      call.atMs = atMs;
      if (atMs > nowMs) this.#events.add({ kind: 'arrive', call }, atMs);
      else this.#submit(call);
    }
    this.#reach(nowMs);
    return call;
  }

  /** Records that a real request of the call ended. */
  outcome(call: ShadowCall, outcome: Outcome, nowMs: number): void {
    this.#reach(nowMs);
    const { refusals } = call.pace;
    if ('cause' in outcome && outcome.cause === 'refused') refusals.refused(outcome);
    else {
      call.outcomes.push(outcome);
      refusals.accepted(outcome.outstanding ?? 0);
    }
    this.#scheduleEnds(call);
    this.#reach(nowMs);
  }

  /** Records that the call was really answered or failed, and will have no further outcome. */
  realEnded(call: ShadowCall, nowMs: number): void {
    this.#reach(nowMs);
    this.#endReal(call);
    this.#reach(nowMs);
  }

  /** Records that the caller left before it got an answer. */
  callerLeft(call: ShadowCall, nowMs: number): void {
    this.#reach(nowMs);
    call.hasLeft = true;
    this.#endReal(call);
    if (call.call !== undefined && call.call.stage !== 'done') {
      this.#core.cancel(call.call, this.#nowMs);
      this.#endInShadow(call);
    }
    this.#reach(nowMs);
  }

  /** See `Coalescer.barrier`. */
  barrier(name: string, nowMs: number): void {
    this.#reach(nowMs);
    this.#core.barrier(name, this.#nowMs);
    this.#reach(nowMs);
  }

  /** See `Coalescer.passedThrough`. */
  passedThrough(name: string, calls: number, poll: boolean, nowMs: number): void {
    this.#reach(nowMs);
    this.#core.passedThrough(name, calls, poll, this.#nowMs);
    this.#reach(nowMs);
  }

  /** See `Coalescer.drain`. */
  drain(nowMs: number): void {
    this.#reach(nowMs);
    this.#core.drain(this.#nowMs);
    this.#reach(nowMs);
  }

  /** Lets all requests, holds and deadlines end that are due. */
  wake(nowMs: number): void {
    this.#reach(nowMs);
    if (this.#wakeAtMs <= nowMs) {
      this.#wakeAtMs = Infinity;
      this.#core.wake(this.#nowMs);
    }
    this.#reach(nowMs);
  }

  requestPermit(user: User<ShadowCall>, unbatched: boolean): void {
    this.#slots.request(user, unbatched);
  }

  send(batch: Batch<ShadowCall>): void {
    this.#report.requestSent(newCallsOf(batch), batch.calls.length);
    const request = newRequest(batch, this.#unbatched);
    this.#inFlight.set(batch, request);
    for (const { caller } of batch.calls) caller.awaitedBy.push(request);
    this.#scheduleEnd(request);
  }

  answer(call: Call<ShadowCall>): void {
    const { caller } = call;
    caller.shadowMs = this.#nowMs - caller.atMs;
    this.#reportAnswer(caller);
    this.#endInShadow(caller);
  }

  fail({ caller }: Call<ShadowCall>): void {
    caller.hasFailed = true;
    this.#reportAnswer(caller);
    this.#endInShadow(caller);
  }

  freeSlot(batch: Batch<ShadowCall>): void {
    const request = this.#inFlight.get(batch);
    if (request !== undefined && !request.isSlotFree)
      request.isSlotFree = this.#slots.free(batch.user);
  }

  abandon(batch: Batch<ShadowCall>): void {
    const request = this.#inFlight.get(batch);
    if (request === undefined) return;
    request.isEndKnown = true;
    this.#events.add({ kind: 'end', request, end: abandoned }, this.#nowMs);
  }

  wakeAt(atMs: number): void {
    this.#wakeAtMs = Math.min(this.#wakeAtMs, atMs);
  }

  /** Advances the time to `nowMs`, with all due events and granted permits in between. */
  #reach(nowMs: number): void {
    for (;;) {
      for (let wish = this.#slots.grant(); wish; wish = this.#slots.grant()) {
        const { user, unbatched } = wish;
        this.#unbatched = unbatched;
        if (!this.#core.dispatch(user, unbatched, this.#nowMs))
          this.#slots.release(user, unbatched, false);
      }
      if (this.#events.nextAtMs > nowMs) break;
      const due = this.#events.take();
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      if (due.item.kind === 'arrive') this.#submit(due.item.call);
      else this.#end(due.item.request, due.item.end);
    }
    this.#nowMs = Math.max(this.#nowMs, nowMs);
  }

  #submit(call: ShadowCall): void {
    const { arrival } = call;
    call.arrival = undefined;
    if (arrival === undefined || call.hasLeft) {
      this.#endInShadow(call);
      return;
    }
    const submitted = this.#core.submit(withCaller(arrival, call), this.#nowMs);
    if (typeof submitted === 'string') {
      this.#report.refused();
      this.#endInShadow(call);
    } else call.call = submitted;
  }

  #end(request: InFlightRequest, { outcomes, ending }: RequestEnd): void {
    if (request.isOver) return;
    request.isOver = true;
    const { batch } = request;
    const nowMs = this.#nowMs;
    this.#inFlight.delete(batch);
    for (const { caller } of batch.calls) {
      caller.awaitedBy.splice(caller.awaitedBy.indexOf(request), 1);
    }
    if (ending.kind === 'complete') {
      outcomes.forEach((outcome, index) => {
        if ('status' in outcome)
          this.#core.part(batch, index, replyOf(outcome.status), false, nowMs);
      });
    }
    this.#core.settle(batch, ending, nowMs);
    this.#slots.release(batch.user, request.unbatched, request.isSlotFree);
  }

  #scheduleEnds({ awaitedBy }: ShadowCall): void {
    for (const request of awaitedBy) this.#scheduleEnd(request);
  }

  #scheduleEnd(request: InFlightRequest): void {
    if (request.isEndKnown) return;
    const end = endOf(request);
    if (end === undefined) return;
    request.isEndKnown = true;
    this.#events.add({ kind: 'end', request, end }, end.atMs);
  }

  #endReal(call: ShadowCall): void {
    if (call.isOver) return;
    call.isOver = true;
    const last = call.outcomes.at(-1);
    if (!call.hasLeft && last !== undefined && 'status' in last) {
      call.realMs = this.#nowMs - call.arrivedAtMs;
    }
    this.#paces.answered(call, this.#nowMs);
    this.#scheduleEnds(call);
    this.#reportAnswer(call);
  }

  /** Reports the added latency, or the failure, once both ends of the call are known. */
  #reportAnswer({ realMs, shadowMs, hasFailed }: ShadowCall): void {
    if (realMs === undefined) return;
    if (hasFailed) this.#report.failed();
    else if (shadowMs !== undefined) this.#report.answered(shadowMs - realMs);
  }

  /** Ends the call in the shadow, and lets calls arrive that waited for this end. */
  #endInShadow(call: ShadowCall): void {
    call.call = undefined;
    for (const next of this.#paces.over(call, this.#nowMs)) {
      this.#events.add({ kind: 'arrive', call: next }, next.atMs);
    }
  }
}
