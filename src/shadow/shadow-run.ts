/** Runs the shadow in real time. An error in the shadow stops the shadow, and affects no real call. */
import type { Arrival, UserMemory } from '../core/schedule/state.ts';
import { Shadow, type ShadowOptions } from '../core/shadow/shadow.ts';
import type { ShadowReport } from '../core/shadow/state.ts';
import { reportToBoth, ShadowTally } from '../core/shadow/tally.ts';
import type { Caller } from '../engine/caller.ts';
import type { Clock } from '../engine/clock.ts';
import type { ObservedCall, CallObserver } from './call-observers.ts';

export interface ShadowParts {
  readonly clock: Clock;
  readonly report: ShadowReport & { broke(): void };
  readonly memory: UserMemory;
  /** Returns a number of at least 0 and less than 1. */
  readonly random: () => number;
  /** Called once, when an error has stopped the shadow. */
  readonly broke: (error: unknown) => void;
}

const noBody = Buffer.alloc(0);
const ignored: ObservedCall = {
  ended: () => undefined,
  over: () => undefined,
  left: () => undefined,
};

export class ShadowRun implements CallObserver {
  readonly #clock: Clock;
  readonly #broke: (error: unknown) => void;
  readonly #tally = new ShadowTally();
  #shadow: Shadow | undefined;
  /** Time of the timer, in ms; Infinity without a timer. */
  #timerAtMs = Infinity;
  #cancelTimer: (() => void) | undefined;

  constructor(options: ShadowOptions, { clock, report, memory, random, broke }: ShadowParts) {
    this.#clock = clock;
    this.#broke = (error) => {
      report.broke();
      broke(error);
    };
    this.#shadow = new Shadow(options, reportToBoth(this.#tally, report), memory, random);
  }

  /** The savings and costs so far, as text for the log. */
  get summary(): string {
    return this.#tally.summary;
  }

  arrives(arrival: Arrival<Caller>, nowMs: number): ObservedCall {
    const { collapsible, key, callClass, resource, method, target, headers, sizeBytes } = arrival;
    const call = this.#enter((shadow) =>
      shadow.arrives(
        {
          ...{ collapsible, key, callClass, resource, method, target, sizeBytes },
          // The shadow needs headers only to recognize identical calls.
          headers: collapsible ? headers : [],
          body: noBody,
        },
        nowMs,
      ),
    );
    if (call === undefined) return ignored;
    return {
      ended: (outcome, atMs) => this.#enter((shadow) => shadow.outcome(call, outcome, atMs)),
      over: (atMs) => this.#enter((shadow) => shadow.realEnded(call, atMs)),
      left: (atMs) => this.#enter((shadow) => shadow.callerLeft(call, atMs)),
    };
  }

  barrier(userName: string, nowMs: number): void {
    this.#enter((shadow) => shadow.barrier(userName, nowMs));
  }

  passedThrough(userName: string, calls: number, poll: boolean, nowMs: number): void {
    this.#enter((shadow) => shadow.passedThrough(userName, calls, poll, nowMs));
  }

  drain(nowMs: number): void {
    this.#enter((shadow) => shadow.drain(nowMs));
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#shadow = undefined;
  }

  /** Passes an event to the shadow, and sets the timer for its next event. An error stops the shadow. */
  #enter<T>(event: (shadow: Shadow) => T): T | undefined {
    const shadow = this.#shadow;
    if (shadow === undefined) return undefined;
    try {
      const result = event(shadow);
      this.#setTimer(Math.min(shadow.wakeAtMs, shadow.endsAtMs));
      return result;
    } catch (error) {
      this.stop();
      this.#broke(error);
      return undefined;
    }
  }

  #setTimer(atMs: number): void {
    if (atMs >= this.#timerAtMs) return;
    this.#cancelTimer?.();
    this.#timerAtMs = atMs;
    this.#cancelTimer = this.#clock.setTimer(atMs, () => {
      this.#timerAtMs = Infinity;
      this.#enter((shadow) => shadow.wake(this.#clock.now()));
    });
  }
}
