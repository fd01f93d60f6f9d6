/**
 * The coalescer in a simulated environment: virtual time, send permits, a pool that answers at
 * planned times, and clients that come and leave. The invariants are checked after each event.
 */
import type { Coalescer } from '../../src/core/schedule/coalescer.ts';
import type { Arrival, Batch, Call, User } from '../../src/core/schedule/state.ts';
import type { Policy } from '../../src/core/schedule/policy.ts';
import type { Sink } from '../../src/core/schedule/sink.ts';
import type { Reply } from '../../src/core/messages/reply.ts';
import type { SchedulerEvents } from '../../src/core/schedule/observer.ts';
import { DepartureChecks, type Ticket } from './departure-checks.ts';
import { endingOf, executes, type PoolPlan } from './pool-plan.ts';
import type { Failure } from '../../src/core/messages/fault.ts';
import type { Ending } from '../../src/core/answer/ending.ts';

export type Core = Coalescer<Ticket>;

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

const slotsPerUser = 3;
const mostEvents = 20_000;

export class VirtualWorld implements Sink<Ticket> {
  readonly core: Core;
  readonly policy: Policy;
  readonly tickets: Ticket[] = [];
  /** How often each row of the coalescer's table was used. */
  readonly rows = new Map<string, number>();
  readonly faults: string[] = [];
  /** `time user: targets`, in order. */
  readonly departures: string[] = [];
  readonly events: SchedulerEvents = {
    requeued: (reason) => this.#row(`requeue, ${reason}`),
    split: () => this.#row('split'),
    learnedLimit: () => undefined,
    retried: (reason, outcome) => this.#row(`repeat, ${reason === 'late' ? reason : outcome}`),
    lateBatch: () => this.#row('wake, late batch'),
  };
  nowMs = 0;
  readonly #events: Event[] = [];
  readonly #plan: (batch: Batch<Ticket>) => PoolPlan;
  readonly #slots = new Map<string, number>();
  readonly #waiting: Array<{ user: User<Ticket>; unbatched: boolean }> = [];
  readonly #calls = new Map<Ticket, Call<Ticket>>();
  readonly #travelling = new Map<Batch<Ticket>, (ending: Ending) => void>();
  readonly #checks: DepartureChecks;
  #order = 0;
  #alarmAtMs = Infinity;
  #inCore = false;
  readonly #inbox: Array<() => void> = [];

  constructor(
    policy: Policy,
    plan: (batch: Batch<Ticket>) => PoolPlan,
    make: (policy: Policy, sink: Sink<Ticket>) => Core,
  ) {
    this.policy = policy;
    this.#plan = plan;
    this.#checks = new DepartureChecks(
      policy,
      (call, what) => this.#wrong(call, what),
      () => this.#calls.values(),
    );
    this.core = make(policy, this);
  }

  at(atMs: number, run: () => void): void {
    this.#order += 1;
    this.#events.push({ atMs, order: this.#order, run });
  }

  /** Runs until no event is left. Too many events count as a fault. */
  run(): void {
    for (let events = 0; ; events += 1) {
      if (events > mostEvents) {
        this.faults.push('it never came to rest');
        return;
      }
      this.#events.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      const next = this.#events.shift();
      if (next === undefined) return;
      this.nowMs = Math.max(this.nowMs, next.atMs);
      this.#enter(next.run);
    }
  }

  submit(arrival: Omit<Arrival<Ticket>, 'caller'>, name: string): Ticket {
    const ticket = { name, urgency: arrival.urgency ?? 3, endings: 0, left: false, runs: 0 };
    this.tickets.push(ticket);
    const call = this.core.submit({ ...arrival, caller: ticket }, this.nowMs);
    if (typeof call === 'string') {
      this.#row('submit, a cap');
      ticket.endings += 1;
      return ticket;
    }
    this.#row(call.leader === undefined ? 'submit' : 'submit, a twin');
    this.#calls.set(ticket, call);
    return ticket;
  }

  cancel(ticket: Ticket): void {
    const call = this.#calls.get(ticket);
    if (call === undefined || call.stage === 'done') return;
    this.#row(`cancel, ${call.stage}`);
    ticket.left = true;
    this.core.cancel(call, this.nowMs);
  }

  barrier(userName: string): void {
    this.#row('barrier');
    this.core.barrier(userName, this.nowMs);
  }

  drain(): void {
    this.#row('drain');
    this.core.drain(this.nowMs);
  }

  requestPermit(user: User<Ticket>, unbatched: boolean): void {
    this.#waiting.push({ user, unbatched });
    this.#inbox.push(() => this.#grant());
  }

  send(batch: Batch<Ticket>): void {
    this.#row('depart');
    this.#checks.departure(batch, this.nowMs);
    const first = batch.calls[0]!;
    const name = batch.user.name;
    const { unbatched } = first.stream;
    if (!unbatched) this.#slots.set(name, (this.#slots.get(name) ?? 0) + 1);
    const plan = this.#plan(batch);
    this.departures.push(
      `${this.nowMs} ${name}: ${batch.calls.map(({ target }) => target).join(' ')}`,
    );
    if (executes(plan.ending)) for (const call of batch.calls) this.#checks.run(call);
    let isOver = false;
    const over = (ending: Ending): void => {
      if (isOver) return;
      isOver = true;
      this.#travelling.delete(batch);
      this.#checks.arrival(batch);
      this.#row(`settle, ${ending.kind === 'failure' ? ending.cause : ending.kind}`);
      this.core.settle(batch, ending, this.nowMs);
      if (batch.takesSlot) this.#giveBack(name);
      else this.#inbox.push(() => this.#grant());
    };
    this.#travelling.set(batch, over);
    const isLone = batch.calls.length === 1 && first.followers === undefined;
    if (
      isLone &&
      first.original === undefined &&
      plan.partEveryMs !== undefined &&
      executes(plan.ending)
    ) {
      this.at(this.nowMs + plan.afterMs / 2, () => {
        if (isOver || first.stage !== 'sent') return;
        this.#row('begin');
        this.core.begin(batch, 200, this.nowMs);
        first.caller.endings += 1;
      });
    } else if (first.original === undefined) {
      batch.calls.forEach((call, index) => {
        const partAtMs = this.nowMs + (plan.partEveryMs ?? 0) * index + plan.afterMs / 4;
        this.at(Math.min(partAtMs, this.nowMs + plan.afterMs), () => {
          if (isOver || (plan.ending !== 'complete' && index === batch.calls.length - 1)) return;
          if (plan.ending === 'relay' || !executes(plan.ending)) return;
          if (plan.ending === 'server_error') return;
          this.#row('part');
          this.core.part(batch, index, answerTo(call), plan.partEveryMs !== undefined, this.nowMs);
        });
      });
    }
    // A retry beside a late batch is a single request, so its answer is relayed.
    const isRepeat = first.original !== undefined;
    const ending: Ending =
      isRepeat && plan.ending === 'complete'
        ? { kind: 'relay', reply: answerTo(first) }
        : endingOf(plan);
    this.at(this.nowMs + plan.afterMs, () => over(ending));
  }

  answer(call: Call<Ticket>, reply: Reply): void {
    const said = reply.body.toString();
    const isOwn = said === call.target || said === 'relayed' || said === 'server_error';
    if (said === 'refused') this.#checks.notRun(call);
    else if (!isOwn) this.#wrong(call, `got the answer to ${said}`);
    if (call.batch?.settled === false) this.#row('wake, part early');
    this.#end(call);
  }

  fail(call: Call<Ticket>, failure: Failure): void {
    this.#row(typeof failure === 'string' ? `fail, ${failure}` : 'fail, fault');
    if (failure === 'never-sent') {
      const isFree = (this.#slots.get(call.stream.user.name) ?? 0) < slotsPerUser;
      this.#checks.unsent(call, isFree, this.nowMs);
    }
    this.#end(call);
  }

  freeSlot(batch: Batch<Ticket>): void {
    this.#row('wake, late slot');
    if (!this.#travelling.has(batch)) this.#wrong(batch.calls[0]!, 'gave back what it had not');
    this.#giveBack(batch.user.name);
  }

  abandon(batch: Batch<Ticket>): void {
    this.#row('abandon');
    const isUnsafe = batch.callClass !== 'safe';
    if (isUnsafe && batch.calls.length > 1) this.#wrong(batch.calls[0]!, 'unsafe, and abandoned');
    const over = this.#travelling.get(batch);
    this.#inbox.push(() =>
      over?.({
        kind: 'failure',
        cause: 'connection',
        fault: { phase: 'unknown', name: 'connection_terminated' },
      }),
    );
  }

  wakeAt(atMs: number): void {
    if (atMs >= this.#alarmAtMs) return;
    this.#alarmAtMs = atMs;
    this.at(Math.max(atMs, this.nowMs), () => {
      if (this.#alarmAtMs > this.nowMs) return;
      this.#alarmAtMs = Infinity;
      this.#row('wake');
      this.core.wake(this.nowMs);
    });
  }

  #giveBack(name: string): void {
    const slots = (this.#slots.get(name) ?? 0) - 1;
    if (slots < 0) this.faults.push(`${name} has given back more than was taken`);
    this.#slots.set(name, slots);
    this.#inbox.push(() => this.#grant());
  }

  #enter(run: () => void): void {
    if (this.#inCore) throw new Error('entered from within');
    this.#inbox.push(run);
    for (let next = this.#inbox.shift(); next; next = this.#inbox.shift()) {
      this.#inCore = true;
      next();
      this.#inCore = false;
    }
  }

  #grant(): void {
    const at = this.#waiting.findIndex(
      ({ user, unbatched }) => unbatched || (this.#slots.get(user.name) ?? 0) < slotsPerUser,
    );
    if (at === -1) return;
    const [wish] = this.#waiting.splice(at, 1);
    if (wish !== undefined) this.core.dispatch(wish.user, wish.unbatched, this.nowMs);
    this.#inbox.push(() => this.#grant());
  }

  #end(call: Call<Ticket>): void {
    call.caller.endings += 1;
    if (call.caller.left) this.#wrong(call, 'was answered after it left');
  }

  #wrong(call: Call<Ticket>, what: string): void {
    this.faults.push(`${call.caller.name} ${what}`);
  }

  #row(name: string): void {
    this.rows.set(name, (this.rows.get(name) ?? 0) + 1);
  }
}

function answerTo(call: Call<Ticket>): Reply {
  return { status: 200, reason: '', headers: [], body: Buffer.from(call.target) };
}
