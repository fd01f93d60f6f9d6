/**
 * The engine with somebody who follows each call: the shadow, the recording. In front of the engine,
 * so that it costs nothing where nobody follows.
 */
import type { Arrival, Batch, Call } from '../core/schedule/state.ts';
import type { Overflow } from '../core/schedule/queue/users.ts';
import type { Caller } from '../engine/caller.ts';
import type { Clock } from '../engine/clock.ts';
import type { Engine } from '../engine/engine.ts';
import type { Ending } from '../core/answer/ending.ts';
import { waitersOf } from '../core/schedule/queue/calls.ts';
import type { Outcome } from '../core/shadow/outcome.ts';

/** Told what happens to calls, and when; throws nothing. */
export interface Follower {
  arrives(arrival: Arrival<Caller>, nowMs: number): FollowedCall;
  barrier(userName: string, nowMs: number): void;
  passedThrough(userName: string, calls: number, poll: boolean, nowMs: number): void;
  drain(nowMs: number): void;
}

export interface FollowedCall {
  /** A request of it is over; others may follow. */
  ended(outcome: Outcome, nowMs: number): void;
  /** It was answered, or failed. */
  over(nowMs: number): void;
  /** Its caller left before, or was never let in. */
  left(nowMs: number): void;
}

interface Open {
  readonly followed: readonly FollowedCall[];
  call: Call<Caller> | undefined;
}

type Followable = Pick<Engine, 'submit' | 'cancel' | 'barrier' | 'passedThrough' | 'drain'>;

export class Following implements Followable {
  readonly #followers: readonly Follower[];
  readonly #clock: Clock;
  readonly #engine: Followable;
  /** Calls that are not over. */
  readonly #open = new Map<Caller, Open>();

  /** The engine has to send calls one by one, or nobody knows what each takes. */
  constructor(engine: Followable, followers: readonly Follower[], clock: Clock) {
    this.#engine = engine;
    this.#followers = followers;
    this.#clock = clock;
  }

  submit(arrival: Arrival<Caller>): Call<Caller> | Overflow {
    const nowMs = this.#clock.now();
    const followed = this.#followers.map((follower) => follower.arrives(arrival, nowMs));
    const open: Open = { followed, call: undefined };
    this.#open.set(arrival.ticket, open);
    const call = this.#engine.submit(arrival);
    if (typeof call === 'string') {
      this.#open.delete(arrival.ticket);
      for (const one of followed) one.left(nowMs);
    } else open.call = call;
    return call;
  }

  cancel(call: Call<Caller>): void {
    this.#engine.cancel(call);
    const open = this.#open.get(call.ticket);
    this.#open.delete(call.ticket);
    const nowMs = this.#clock.now();
    for (const one of open?.followed ?? []) one.left(nowMs);
  }

  barrier(userName: string): void {
    this.#engine.barrier(userName);
    const nowMs = this.#clock.now();
    for (const follower of this.#followers) follower.barrier(userName, nowMs);
  }

  passedThrough(userName: string, calls: number, poll: boolean): void {
    this.#engine.passedThrough(userName, calls, poll);
    const nowMs = this.#clock.now();
    for (const follower of this.#followers) follower.passedThrough(userName, calls, poll, nowMs);
  }

  drain(): void {
    this.#engine.drain();
    const nowMs = this.#clock.now();
    for (const follower of this.#followers) follower.drain(nowMs);
  }

  /** The engine says so of each request. */
  ended(batch: Batch<Caller>, ending: Ending, nowMs: number): void {
    const outcome = outcomeOf(batch, ending, nowMs);
    for (const slot of batch.calls) {
      for (const { ticket, stage } of waitersOf(slot)) {
        const open = this.#open.get(ticket);
        if (open === undefined) continue;
        for (const one of open.followed) one.ended(outcome, nowMs);
        if (stage === 'done') this.#over(ticket, open, nowMs);
      }
    }
  }

  /** To be called every second: who never left is answered without a request. */
  checkOver(): void {
    const nowMs = this.#clock.now();
    for (const [caller, open] of this.#open) {
      if (open.call?.stage === 'done') this.#over(caller, open, nowMs);
    }
  }

  #over(caller: Caller, { followed }: Open, nowMs: number): void {
    this.#open.delete(caller);
    for (const one of followed) one.over(nowMs);
  }
}

/** Without what the pool said. */
function outcomeOf(
  { sentAtMs, outstanding, status }: Batch<Caller>,
  ending: Ending,
  nowMs: number,
): Outcome {
  const ended = { tookMs: nowMs - sentAtMs, outstanding };
  switch (ending.kind) {
    case 'complete':
      return { ...ended, status: status ?? 0 };
    case 'relay':
      return { ...ended, status: ending.reply.status };
    case 'trouble': {
      const { trouble, fault, retryAfterMs } = ending;
      return { ...ended, trouble, fault, retryAfterMs };
    }
  }
}
