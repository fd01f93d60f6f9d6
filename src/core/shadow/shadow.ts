/**
 * The shadow: what the coalescer would have done with calls that really travel one by one. It is
 * told what comes and how each call really fared, and sends nothing. Its requests end when the real
 * times of their calls say so, to the moment, however late it is told that time has passed.
 *
 *   told                  | what follows
 *   ----------------------|--------------------------------------------------------------------
 *   arrives               | submit, now or when its client would have sent it (`pace`)
 *   outcome, realOver     | requests that waited for it get their end
 *   answered, realOver    | what its caller would have paid is reported, once both times are known
 *   left                  | cancel
 *   barrier, passedThrough, drain | the same
 *   wake                  | holds end; requests have ended before, each at its time
 */
import { Alarms } from '../structures/timer-heap.ts';
import type { Batch, Call, User, UserMemory } from '../schedule/state.ts';
import { Coalescer } from '../schedule/coalescer.ts';
import { departureLimits, Places } from '../schedule/dispatch/dispatch-slots.ts';
import type { Policy } from '../schedule/policy.ts';
import type { Sink } from '../schedule/sink.ts';
import { Paces } from './pace.ts';
import {
  newShadowCall,
  type ShadowArrival,
  type ShadowCall,
  type ShadowReport,
  withTicket,
  type Travel,
} from './state.ts';
import { brokenOff, judge, replyOf, type Verdict } from './travel.ts';
import { waitersOf } from '../schedule/queue/calls.ts';
import type { Outcome } from './outcome.ts';

export interface ShadowOptions {
  readonly policy: Policy;
  readonly maxInFlightPerUser: number;
  readonly maxConnections: number;
}

type Event =
  | { readonly kind: 'arrive'; readonly call: ShadowCall }
  | { readonly kind: 'end'; readonly travel: Travel; readonly verdict: Verdict };

export class Shadow implements Sink<ShadowCall> {
  readonly notes = {
    requeued: () => undefined,
    split: () => undefined,
    learnedLimit: () => undefined,
    repeated: () => undefined,
    lateBatch: () => undefined,
  };
  readonly #report: ShadowReport;
  readonly #core: Coalescer<ShadowCall>;
  readonly #places: Places<User<ShadowCall>>;
  readonly #paces: Paces;
  readonly #events = new Alarms<Event>();
  readonly #travels = new Map<Batch<ShadowCall>, Travel>();
  /** Of the departure that was granted last. */
  #solo = false;
  #nowMs = -Infinity;
  #wakeAtMs = Infinity;

  /** `random` is in [0, 1): the jitter of pauses. */
  constructor(
    options: ShadowOptions,
    report: ShadowReport,
    memory: UserMemory,
    random: () => number,
  ) {
    this.#report = report;
    this.#core = new Coalescer(options.policy, this, memory, random);
    this.#paces = new Paces(options.policy);
    this.#places = new Places(departureLimits(options));
  }

  /** When it has to be woken for a hold or a deadline. */
  get wakeAtMs(): number {
    return this.#wakeAtMs;
  }

  /** When it should be woken, so that nothing that is over is kept. */
  get endsAtMs(): number {
    return this.#events.nextAtMs;
  }

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

  /** One request of it is really over. */
  outcome(call: ShadowCall, outcome: Outcome, nowMs: number): void {
    this.#reach(nowMs);
    const { refusals } = call.pace;
    if ('trouble' in outcome && outcome.trouble === 'refused') refusals.refused(outcome);
    else {
      call.outcomes.push(outcome);
      refusals.accepted(outcome.outstanding ?? 0);
    }
    this.#judgeAwaiting(call);
    this.#reach(nowMs);
  }

  /** It is really over, and no further outcome comes. */
  realOver(call: ShadowCall, nowMs: number): void {
    this.#reach(nowMs);
    this.#isReallyOver(call);
    this.#reach(nowMs);
  }

  /** Its caller left before he had the answer. */
  left(call: ShadowCall, nowMs: number): void {
    this.#reach(nowMs);
    call.hasLeft = true;
    this.#isReallyOver(call);
    if (call.call !== undefined && call.call.stage !== 'done') {
      this.#core.cancel(call.call, this.#nowMs);
      this.#isOver(call);
    }
    this.#reach(nowMs);
  }

  barrier(name: string, nowMs: number): void {
    this.#reach(nowMs);
    this.#core.barrier(name, this.#nowMs);
    this.#reach(nowMs);
  }

  passedThrough(name: string, calls: number, poll: boolean, nowMs: number): void {
    this.#reach(nowMs);
    this.#core.passedThrough(name, calls, poll, this.#nowMs);
    this.#reach(nowMs);
  }

  drain(nowMs: number): void {
    this.#reach(nowMs);
    this.#core.drain(this.#nowMs);
    this.#reach(nowMs);
  }

  wake(nowMs: number): void {
    this.#reach(nowMs);
    if (this.#wakeAtMs <= nowMs) {
      this.#wakeAtMs = Infinity;
      this.#core.wake(this.#nowMs);
    }
    this.#reach(nowMs);
  }

  permit(user: User<ShadowCall>, solo: boolean): void {
    this.#places.ask(user, solo);
  }

  send(batch: Batch<ShadowCall>): void {
    let newCalls = 0;
    for (const slot of batch.calls) {
      for (const call of waitersOf(slot)) {
        if (call.attempts === 1 && call.original === undefined) newCalls += 1;
      }
    }
    this.#report.requestLeft(newCalls, batch.calls.length);
    const travel: Travel = {
      batch,
      solo: this.#solo,
      isFreed: false,
      isJudged: false,
      isOver: false,
    };
    this.#travels.set(batch, travel);
    for (const { ticket } of batch.calls) ticket.awaitedBy.push(travel);
    this.#judge(travel);
  }

  answer(call: Call<ShadowCall>): void {
    const { ticket } = call;
    ticket.shadowMs = this.#nowMs - ticket.atMs;
    this.#reportAnswer(ticket);
    this.#isOver(ticket);
  }

  fail({ ticket }: Call<ShadowCall>): void {
    ticket.hasFailed = true;
    this.#reportAnswer(ticket);
    this.#isOver(ticket);
  }

  freeSlot(batch: Batch<ShadowCall>): void {
    const travel = this.#travels.get(batch);
    if (travel !== undefined && !travel.isFreed) travel.isFreed = this.#places.free(batch.user);
  }

  abandon(batch: Batch<ShadowCall>): void {
    const travel = this.#travels.get(batch);
    if (travel === undefined) return;
    travel.isJudged = true;
    this.#events.add({ kind: 'end', travel, verdict: brokenOff }, this.#nowMs);
  }

  wakeAt(atMs: number): void {
    this.#wakeAtMs = Math.min(this.#wakeAtMs, atMs);
  }

  /** Lets what was due by then happen, each at its time, and time be that late. */
  #reach(nowMs: number): void {
    for (;;) {
      for (let wish = this.#places.grant(); wish; wish = this.#places.grant()) {
        const { user, solo } = wish;
        this.#solo = solo;
        if (!this.#core.depart(user, solo, this.#nowMs)) this.#places.release(user, solo, false);
      }
      if (this.#events.nextAtMs > nowMs) break;
      const due = this.#events.take();
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      if (due.what.kind === 'arrive') this.#submit(due.what.call);
      else this.#end(due.what.travel, due.what.verdict);
    }
    this.#nowMs = Math.max(this.#nowMs, nowMs);
  }

  #submit(call: ShadowCall): void {
    const { arrival } = call;
    call.arrival = undefined;
    if (arrival === undefined || call.hasLeft) {
      this.#isOver(call);
      return;
    }
    const submitted = this.#core.submit(withTicket(arrival, call), this.#nowMs);
    if (typeof submitted === 'string') {
      this.#report.refused();
      this.#isOver(call);
    } else call.call = submitted;
  }

  #end(travel: Travel, { outcomes, ending }: Verdict): void {
    if (travel.isOver) return;
    travel.isOver = true;
    const { batch } = travel;
    const nowMs = this.#nowMs;
    this.#travels.delete(batch);
    for (const { ticket } of batch.calls) {
      ticket.awaitedBy.splice(ticket.awaitedBy.indexOf(travel), 1);
    }
    if (ending.kind === 'complete') {
      outcomes.forEach((outcome, index) => {
        if ('status' in outcome)
          this.#core.part(batch, index, replyOf(outcome.status), false, nowMs);
      });
    }
    this.#core.settle(batch, ending, nowMs);
    this.#places.release(batch.user, travel.solo, travel.isFreed);
  }

  #judgeAwaiting({ awaitedBy }: ShadowCall): void {
    for (const travel of awaitedBy) this.#judge(travel);
  }

  #judge(travel: Travel): void {
    if (travel.isJudged) return;
    const verdict = judge(travel);
    if (verdict === undefined) return;
    travel.isJudged = true;
    this.#events.add({ kind: 'end', travel, verdict }, verdict.atMs);
  }

  #isReallyOver(call: ShadowCall): void {
    if (call.isOver) return;
    call.isOver = true;
    const last = call.outcomes.at(-1);
    if (!call.hasLeft && last !== undefined && 'status' in last) {
      call.realMs = this.#nowMs - call.arrivedAtMs;
    }
    this.#paces.answered(call, this.#nowMs);
    this.#judgeAwaiting(call);
    this.#reportAnswer(call);
  }

  /** Once both are known. */
  #reportAnswer({ realMs, shadowMs, hasFailed }: ShadowCall): void {
    if (realMs === undefined) return;
    if (hasFailed) this.#report.failed();
    else if (shadowMs !== undefined) this.#report.answered(shadowMs - realMs);
  }

  /** Over in the shadow: who waited for its answer comes now. */
  #isOver(call: ShadowCall): void {
    call.call = undefined;
    for (const next of this.#paces.over(call, this.#nowMs)) {
      this.#events.add({ kind: 'arrive', call: next }, next.atMs);
    }
  }
}
