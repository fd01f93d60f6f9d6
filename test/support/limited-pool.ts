/**
 * Busy clients of one user before a pool that limits the outstanding calls, under a virtual clock.
 * Counts what the coalescer achieves.
 */
import { Coalescer } from '../../src/core/schedule/coalescer.ts';
import type { Batch, Call, User } from '../../src/core/schedule/state.ts';
import type { SchedulerEvents } from '../../src/core/schedule/observer.ts';
import type { Policy } from '../../src/core/schedule/policy.ts';
import type { Sink } from '../../src/core/schedule/sink.ts';
import { waitTimesOf } from '../../src/core/schedule/queue/queue-time.ts';
import type { Reply } from '../../src/core/messages/reply.ts';
import { arrivalOf, type Client, type Done, type Wish } from './played-call.ts';

export interface LimitedPoolPlan {
  readonly limit: (nowMs: number) => number;
  /** Outstanding calls of a device that does not use the proxy. */
  readonly others?: (nowMs: number) => number;
  /** Time that the pool takes for a call. A batch takes the time of its slowest call. */
  readonly routeMs: number | ((target: string) => number);
  readonly slots?: Slots | undefined;
  /** Travel time from the proxy to the pool, and again on the way back. Default: `wayMs`. */
  readonly wayMs?: number;
  /** Is told of each request. */
  readonly watch?: {
    left(batch: Batch<Client>): void;
    ended(batch: Batch<Client>, refused: boolean): void;
  };
}

/** Limits the requests of one user on the wire. */
export interface Slots {
  readonly perUser: number;
  /** Whether a late request keeps its slot. */
  readonly kept: boolean;
}

export interface Tally {
  requests: number;
  refused: number;
  answered: number;
  /** Number of callers who got no successful answer. */
  failed: number;
  readonly waitsMs: number[];
  /** Time that each call waited for companions. */
  readonly holdsMs: number[];
}

/** Travel time from the proxy to the pool, and again on the way back. */
export const wayMs = 1;
const usualSlots: Slots = { perUser: 4, kept: false };
export const defaults: Policy = {
  mode: 'adaptive',
  lingerMaxMs: 15,
  exchangeRateMs: 50,
  maxParts: 20,
  maxBytes: 262_144,
  collapse: true,
  timeoutMs: 30_000,
  maxQueuedCalls: 10_000,
  maxQueuedCallsPerUser: 500,
  maxQueuedBytes: 67_108_864,
  maxQueuedBytesPerUser: 4_194_304,
  maxUsers: 100,
};

const nothing: SchedulerEvents = {
  requeued: () => undefined,
  split: () => undefined,
  learnedLimit: () => undefined,
  retried: () => undefined,
  lateBatch: () => undefined,
};

export class LimitedPool implements Sink<Client> {
  readonly events = nothing;
  readonly core: Coalescer<Client>;
  nowMs = 0;
  tally: Tally = LimitedPool.empty();
  readonly #plan: LimitedPoolPlan;
  readonly #slots: Slots;
  readonly #events: Array<{ readonly atMs: number; readonly run: () => void }> = [];
  readonly #waiting: Array<{ user: User<Client>; unbatched: boolean }> = [];
  readonly #inbox: Array<() => void> = [];
  readonly #abandoned = new Set<Batch<Client>>();
  /** Late requests that keep their slots. */
  readonly #late = new Set<Batch<Client>>();
  readonly #outstanding = new Map<string, number>();
  readonly #onWire = new Map<User<Client>, number>();
  #calls = 0;
  #alarmAtMs = Infinity;
  #seed = 1;

  static empty(): Tally {
    return { requests: 0, refused: 0, answered: 0, failed: 0, waitsMs: [], holdsMs: [] };
  }

  constructor(plan: LimitedPoolPlan, changes: Partial<Policy> = {}) {
    this.#plan = plan;
    this.#slots = plan.slots ?? usualSlots;
    const memory = { size: 0, take: () => undefined, keep: () => undefined };
    this.core = new Coalescer({ ...defaults, ...changes }, this, memory, () => this.random());
  }

  /** A random number in [0, 1), from the same sequence in each run. */
  random(): number {
    this.#seed = (this.#seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return this.#seed / 2_147_483_648;
  }

  /** Starts clients of that user. Each client asks, waits for the answer and asks again. */
  busy(user: string, clients: number): void {
    const ask = (): void => void this.ask(user, () => this.after(0, ask));
    for (let i = 0; i < clients; i += 1) this.after(this.random() * 30, ask);
  }

  /** Asks for a resource of the application: by default for a different note each time. */
  ask(
    user: string,
    done: Done = () => undefined,
    wish: Wish = { path: `me/note?n=${(this.#calls += 1)}` },
  ): Client {
    const ticket = { done, askedAtMs: this.nowMs };
    this.core.submit({ ...arrivalOf(user, wish), caller: ticket }, this.nowMs);
    return ticket;
  }

  after(ms: number, run: () => void): void {
    this.#at(this.nowMs + ms, run);
  }

  /** Runs until that time, and counts what happens. */
  until(endMs: number): Tally {
    this.tally = LimitedPool.empty();
    for (;;) {
      const next = this.#events[0];
      if (next === undefined || next.atMs > endMs) break;
      this.#events.shift();
      this.nowMs = next.atMs;
      next.run();
      for (let what = this.#inbox.shift(); what; what = this.#inbox.shift()) what();
    }
    this.nowMs = endMs;
    return this.tally;
  }

  requestPermit(user: User<Client>, unbatched: boolean): void {
    if (this.#waiting.some((wish) => wish.user === user && wish.unbatched === unbatched)) return;
    this.#waiting.push({ user, unbatched });
    this.#inbox.push(() => this.#grant());
  }

  send(batch: Batch<Client>): void {
    const { user, parts } = batch;
    this.#plan.watch?.left(batch);
    if (batch.takesSlot) this.#onWire.set(user, (this.#onWire.get(user) ?? 0) + 1);
    this.tally.requests += 1;
    for (const call of batch.calls) {
      const { hold } = waitTimesOf(call, call, batch);
      if (hold !== undefined) this.tally.holdsMs.push(hold);
    }
    const way = this.#plan.wayMs ?? wayMs;
    this.after(way, () => {
      const before = this.#outstanding.get(user.name) ?? 0;
      const others = Math.round(this.#plan.others?.(this.nowMs) ?? 0);
      const refused = before + parts + others > this.#plan.limit(this.nowMs);
      if (refused) this.tally.refused += 1;
      else this.#outstanding.set(user.name, before + parts);
      this.after(refused ? 0 : this.#tookMs(batch), () => {
        if (!refused) this.#outstanding.set(user.name, this.#outstanding.get(user.name)! - parts);
        this.after(way, () => this.#over(batch, refused));
      });
    });
  }

  answer(call: Call<Client>, reply: Reply): void {
    const { done, askedAtMs } = call.caller;
    if (reply.status === 200) this.tally.answered += 1;
    else this.tally.failed += 1;
    this.tally.waitsMs.push(this.nowMs - askedAtMs);
    this.#inbox.push(() => done(reply.status === 200, this.nowMs - askedAtMs));
  }

  fail(call: Call<Client>): void {
    this.tally.failed += 1;
    const { done, askedAtMs } = call.caller;
    this.#inbox.push(() => done(false, this.nowMs - askedAtMs));
  }

  freeSlot(batch: Batch<Client>): void {
    if (this.#slots.kept) this.#late.add(batch);
    else this.#giveBack(batch);
  }

  #giveBack({ user }: Batch<Client>): void {
    this.#onWire.set(user, (this.#onWire.get(user) ?? 1) - 1);
    this.#inbox.push(() => this.#grant());
  }

  /** The pool goes on with the request, but the proxy no longer listens. */
  abandon(batch: Batch<Client>): void {
    this.#abandoned.add(batch);
    const fault = { phase: 'unknown', name: 'connection_terminated' } as const;
    this.#inbox.push(() => {
      this.core.settle(batch, { kind: 'failure', cause: 'connection', fault }, this.nowMs);
      if (this.#hasSlot(batch)) this.#giveBack(batch);
    });
  }

  wakeAt(atMs: number): void {
    if (atMs >= this.#alarmAtMs) return;
    this.#alarmAtMs = atMs;
    this.#at(Math.max(this.nowMs, atMs), () => {
      if (this.#alarmAtMs > this.nowMs) return;
      this.#alarmAtMs = Infinity;
      this.core.wake(this.nowMs);
    });
  }

  #tookMs({ calls }: Batch<Client>): number {
    const { routeMs } = this.#plan;
    if (typeof routeMs === 'number') return routeMs;
    return Math.max(...calls.map(({ target }) => routeMs(target)));
  }

  #over(batch: Batch<Client>, refused: boolean): void {
    if (this.#abandoned.delete(batch)) return;
    this.#settle(batch, refused);
    this.#plan.watch?.ended(batch, refused);
    if (this.#hasSlot(batch)) this.#giveBack(batch);
    else this.#inbox.push(() => this.#grant());
  }

  #hasSlot(batch: Batch<Client>): boolean {
    return this.#late.delete(batch) || batch.takesSlot;
  }

  #settle(batch: Batch<Client>, refused: boolean): void {
    const said = { reason: '', headers: [], body: Buffer.alloc(0) };
    if (refused) {
      this.core.settle(
        batch,
        {
          kind: 'failure',
          cause: 'refused',
          fault: { phase: 'unsent', name: 'destination_unavailable' },
          reply: { status: 429, ...said },
        },
        this.nowMs,
      );
    } else if (batch.calls[0]?.original !== undefined) {
      // A retry beside a late batch is a single request, so its answer is relayed.
      this.core.settle(batch, { kind: 'relay', reply: { status: 200, ...said } }, this.nowMs);
    } else {
      batch.calls.forEach((_, index) => {
        this.core.part(batch, index, { status: 200, ...said }, false, this.nowMs);
      });
      this.core.settle(batch, { kind: 'complete' }, this.nowMs);
    }
  }

  #grant(): void {
    const at = this.#waiting.findIndex(
      ({ user, unbatched }) => unbatched || (this.#onWire.get(user) ?? 0) < this.#slots.perUser,
    );
    const [wish] = at === -1 ? [] : this.#waiting.splice(at, 1);
    if (wish === undefined) return;
    this.core.dispatch(wish.user, wish.unbatched, this.nowMs);
    this.#inbox.push(() => this.#grant());
  }

  #at(atMs: number, run: () => void): void {
    let at = this.#events.length;
    while (at > 0 && this.#events[at - 1]!.atMs > atMs) at -= 1;
    this.#events.splice(at, 0, { atMs, run });
  }
}
