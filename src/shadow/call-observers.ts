/**
 * Reports each call of the engine to observers: the shadow and the recording. This code wraps the
 * engine, so that it costs nothing if there is no observer.
 */
import type { Arrival, Batch, Call } from '../core/schedule/state.ts';
import type { Overflow } from '../core/schedule/queue/users.ts';
import type { Caller } from '../engine/caller.ts';
import type { Clock } from '../engine/clock.ts';
import type { Engine } from '../engine/engine.ts';
import type { Ending } from '../core/answer/ending.ts';
import { waitersOf } from '../core/schedule/queue/calls.ts';
import type { Outcome } from '../core/shadow/outcome.ts';

/** Receives the events of all calls, with their times in ms. Its methods do not throw. */
export interface CallObserver {
  arrives(arrival: Arrival<Caller>, nowMs: number): ObservedCall;
  barrier(userName: string, nowMs: number): void;
  passedThrough(userName: string, calls: number, poll: boolean, nowMs: number): void;
  drain(nowMs: number): void;
}

export interface ObservedCall {
  /** A request with this call ended. A retry may follow. */
  ended(outcome: Outcome, nowMs: number): void;
  /** The call was answered, or failed. */
  over(nowMs: number): void;
  /** The caller disconnected before the answer, or a limit refused the call. */
  left(nowMs: number): void;
}

interface Open {
  readonly observed: readonly ObservedCall[];
  call: Call<Caller> | undefined;
}

type ObservableEngine = Pick<Engine, 'submit' | 'cancel' | 'barrier' | 'passedThrough' | 'drain'>;

export class ObservedEngine implements ObservableEngine {
  readonly #observers: readonly CallObserver[];
  readonly #clock: Clock;
  readonly #engine: ObservableEngine;
  /** Open calls. */
  readonly #open = new Map<Caller, Open>();

  /** @param engine must send calls unbatched, so that each call has a duration of its own */
  constructor(engine: ObservableEngine, observers: readonly CallObserver[], clock: Clock) {
    this.#engine = engine;
    this.#observers = observers;
    this.#clock = clock;
  }

  submit(arrival: Arrival<Caller>): Call<Caller> | Overflow {
    const nowMs = this.#clock.now();
    const observed = this.#observers.map((observer) => observer.arrives(arrival, nowMs));
    const open: Open = { observed, call: undefined };
    this.#open.set(arrival.caller, open);
    const call = this.#engine.submit(arrival);
    if (typeof call === 'string') {
      this.#open.delete(arrival.caller);
      for (const one of observed) one.left(nowMs);
    } else open.call = call;
    return call;
  }

  cancel(call: Call<Caller>): void {
    this.#engine.cancel(call);
    const open = this.#open.get(call.caller);
    this.#open.delete(call.caller);
    const nowMs = this.#clock.now();
    for (const one of open?.observed ?? []) one.left(nowMs);
  }

  barrier(userName: string): void {
    this.#engine.barrier(userName);
    const nowMs = this.#clock.now();
    for (const observer of this.#observers) observer.barrier(userName, nowMs);
  }

  passedThrough(userName: string, calls: number, poll: boolean): void {
    this.#engine.passedThrough(userName, calls, poll);
    const nowMs = this.#clock.now();
    for (const observer of this.#observers) observer.passedThrough(userName, calls, poll, nowMs);
  }

  drain(): void {
    this.#engine.drain();
    const nowMs = this.#clock.now();
    for (const observer of this.#observers) observer.drain(nowMs);
  }

  /** The engine calls this at the end of each request. */
  ended(batch: Batch<Caller>, ending: Ending, nowMs: number): void {
    const outcome = outcomeOf(batch, ending, nowMs);
    for (const slot of batch.calls) {
      for (const { caller, stage } of waitersOf(slot)) {
        const open = this.#open.get(caller);
        if (open === undefined) continue;
        for (const one of open.observed) one.ended(outcome, nowMs);
        if (stage === 'done') this.#over(caller, open, nowMs);
      }
    }
  }

  /** Reports calls that were answered without a request. Call it every second. */
  checkOver(): void {
    const nowMs = this.#clock.now();
    for (const [caller, open] of this.#open) {
      if (open.call?.stage === 'done') this.#over(caller, open, nowMs);
    }
  }

  #over(caller: Caller, { observed }: Open, nowMs: number): void {
    this.#open.delete(caller);
    for (const one of observed) one.over(nowMs);
  }
}

/** Returns the facts of an ended request, without the content of the answer. */
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
    case 'failure': {
      const { cause, fault, retryAfterMs } = ending;
      return { ...ended, cause, fault, retryAfterMs };
    }
  }
}
