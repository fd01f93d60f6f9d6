/**
 * The coalescer in a world of its own: virtual time, permits, a pool that answers when it likes,
 * clients that come and leave. What happened is checked as it happens.
 */
import type { Coalescer } from '../../src/core/schedule/coalescer.ts';
import type { Arrival, Batch, Call } from '../../src/core/schedule/call.ts';
import type { Policy } from '../../src/core/schedule/policy.ts';
import type { Ending, Failure, Sink } from '../../src/core/schedule/sink.ts';
import type { User } from '../../src/core/schedule/user.ts';
import type { Reply } from '../../src/core/answer/reply.ts';
import { endingOf, type PoolPlan } from './pool-plan.ts';
import { sameKey } from '../../src/core/admit/batch-key.ts';

export interface Ticket {
  readonly name: string;
  /** Said of the call, whatever it became. */
  endings: number;
  left: boolean;
}

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
  /** How often each row of the coalescer's table was taken. */
  readonly rows = new Map<string, number>();
  readonly faults: string[] = [];
  nowMs = 0;
  readonly #events: Event[] = [];
  readonly #plan: () => PoolPlan;
  readonly #slots = new Map<string, number>();
  readonly #waiting: Array<{ user: User<Ticket>; operation: boolean }> = [];
  readonly #calls = new Map<Ticket, Call<Ticket>>();
  readonly #travelling = new Map<Batch<Ticket>, (ending: Ending) => void>();
  /** Writes that left and are not answered, by user and resource. */
  readonly #writes = new Map<string, Call<Ticket>>();
  readonly #lastWrite = new Map<string, number>();
  #order = 0;
  #alarmAtMs = Infinity;
  #inCore = false;
  readonly #inbox: Array<() => void> = [];

  constructor(
    policy: Policy,
    plan: () => PoolPlan,
    make: (policy: Policy, sink: Sink<Ticket>) => Core,
  ) {
    this.policy = policy;
    this.#plan = plan;
    this.core = make(policy, this);
  }

  at(atMs: number, run: () => void): void {
    this.#order += 1;
    this.#events.push({ atMs, order: this.#order, run });
  }

  /** Runs until nothing is left to happen; a world that never comes to rest is at fault. */
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

  submit(arrival: Omit<Arrival<Ticket>, 'ticket'>, name: string): Ticket {
    const ticket: Ticket = { name, endings: 0, left: false };
    this.tickets.push(ticket);
    const call = this.core.submit({ ...arrival, ticket }, this.nowMs);
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

  permit(user: User<Ticket>, operation: boolean): void {
    this.#waiting.push({ user, operation });
    this.#inbox.push(() => this.#grant());
  }

  send(batch: Batch<Ticket>): void {
    this.#row('depart');
    this.#check(batch);
    const first = batch.calls[0]!;
    const name = batch.user.name;
    if (batch.callClass !== 'operation') {
      this.#slots.set(name, (this.#slots.get(name) ?? 0) + 1);
    }
    const plan = this.#plan();
    let isOver = false;
    const over = (ending: Ending): void => {
      if (isOver) return;
      isOver = true;
      this.#travelling.delete(batch);
      for (const call of batch.calls) {
        if (this.#writes.get(lock(call)) === call) this.#writes.delete(lock(call));
      }
      this.#row(`settle, ${ending.kind}`);
      this.core.settle(batch, ending, this.nowMs);
      if (batch.callClass !== 'operation') this.#slots.set(name, (this.#slots.get(name) ?? 1) - 1);
      this.#inbox.push(() => this.#grant());
    };
    this.#travelling.set(batch, over);
    if (batch.calls.length === 1 && plan.partEveryMs !== undefined) {
      this.at(this.nowMs + plan.afterMs / 2, () => {
        if (isOver || first.stage !== 'sent') return;
        this.#row('begin');
        this.core.begin(batch, 200);
        first.ticket.endings += 1;
      });
    } else {
      batch.calls.forEach((call, index) => {
        const partAtMs = this.nowMs + (plan.partEveryMs ?? 0) * index + plan.afterMs / 4;
        this.at(Math.min(partAtMs, this.nowMs + plan.afterMs), () => {
          if (isOver || (plan.ending !== 'complete' && index === batch.calls.length - 1)) return;
          if (plan.ending === 'relay') return;
          this.#row('part');
          this.core.part(batch, index, answerTo(call), plan.partEveryMs !== undefined, this.nowMs);
        });
      });
    }
    this.at(this.nowMs + plan.afterMs, () => over(endingOf(plan)));
  }

  answer(call: Call<Ticket>, reply: Reply): void {
    const said = reply.body.toString();
    if (said !== call.target && said !== 'relayed') this.#wrong(call, `got the answer to ${said}`);
    if (call.batch?.settled === false) this.#row('wake, part early');
    this.#end(call);
  }

  fail(call: Call<Ticket>, failure: Failure): void {
    this.#row(typeof failure === 'string' ? `fail, ${failure}` : 'fail, fault');
    if (failure === 'never-sent') this.#checkUnsent(call);
    this.#end(call);
  }

  abandon(batch: Batch<Ticket>): void {
    this.#row('abandon');
    const isUnsafe = batch.callClass !== 'safe';
    if (isUnsafe && batch.calls.length > 1) this.#wrong(batch.calls[0]!, 'unsafe, and abandoned');
    const over = this.#travelling.get(batch);
    this.#inbox.push(() =>
      over?.({ kind: 'broken-off', fault: { phase: 'unknown', name: 'connection_terminated' } }),
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
      ({ user, operation }) => operation || (this.#slots.get(user.name) ?? 0) < slotsPerUser,
    );
    if (at === -1) return;
    const [wish] = this.#waiting.splice(at, 1);
    if (wish !== undefined) this.core.depart(wish.user, wish.operation, this.nowMs);
    this.#inbox.push(() => this.#grant());
  }

  /** What must hold of every batch that leaves. */
  #check(batch: Batch<Ticket>): void {
    const { calls } = batch;
    const first = calls[0]!;
    let bytes = 0;
    for (const call of calls) {
      bytes += call.sizeBytes;
      if (!sameKey(call.key, first.key)) this.#wrong(call, 'met another key');
      if (call.callClass !== first.callClass) this.#wrong(call, 'met another class');
      const waiters = [call, ...(call.followers ?? [])];
      if (waiters.every(({ ticket }) => ticket.left))
        this.#wrong(call, 'departed without a caller');
      for (const waiter of waiters) this.#checkHold(waiter, batch);
      if (call.callClass !== 'safe') this.#checkOrder(call);
      else if (call.behind !== undefined) this.#wrong(call, 'overtook a write');
    }
    if (calls.length > this.policy.maxParts) this.#wrong(first, 'in too large a batch');
    if (calls.length > 1 && bytes > this.policy.maxBytes) this.#wrong(first, 'in too many bytes');
  }

  /** A call may wait until its deadline only where somebody else has all departures, or its turn. */
  #checkUnsent(call: Call<Ticket>): void {
    const { user } = call.stream;
    if (call.batch !== undefined) this.#wrong(call, 'was sent');
    const isFree = (this.#slots.get(user.name) ?? 0) < slotsPerUser;
    if (isFree && user.order.lets(call) && call.freeAtMs < this.nowMs) {
      this.#wrong(call, 'waited beside a free departure');
    }
  }

  #checkHold(call: Call<Ticket>, batch: Batch<Ticket>): void {
    const heldMs = batch.readyAtMs - call.arrivedAtMs;
    if (heldMs > this.policy.lingerMaxMs + 1e-6) this.#wrong(call, `was held for ${heldMs} ms`);
  }

  #checkOrder(call: Call<Ticket>): void {
    if (this.#writes.has(lock(call)))
      this.#wrong(call, 'travels with a write to the same resource');
    if ((this.#lastWrite.get(lock(call)) ?? 0) > call.sequence) this.#wrong(call, 'was overtaken');
    this.#writes.set(lock(call), call);
    this.#lastWrite.set(lock(call), call.sequence);
  }

  #end(call: Call<Ticket>): void {
    call.ticket.endings += 1;
    if (call.ticket.left) this.#wrong(call, 'was answered after it left');
  }

  #wrong(call: Call<Ticket>, what: string): void {
    this.faults.push(`${call.ticket.name} ${what}`);
  }

  #row(name: string): void {
    this.rows.set(name, (this.rows.get(name) ?? 0) + 1);
  }
}

function lock(call: Call<Ticket>): string {
  return `${call.stream.user.name} ${call.resource}`;
}

function answerTo(call: Call<Ticket>): Reply {
  return { status: 200, reason: '', headers: [], body: Buffer.from(call.target) };
}
