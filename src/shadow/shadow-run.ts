/** Runs the shadow against time. Whatever goes wrong in it ends it, and harms no real call. */
import type { Arrival, UserMemory } from '../core/schedule/state.ts';
import { Shadow, type ShadowOptions } from '../core/shadow/shadow.ts';
import type { ShadowReport } from '../core/shadow/state.ts';
import { reportToBoth, ShadowTally } from '../core/shadow/tally.ts';
import type { Caller } from '../engine/caller.ts';
import type { Clock } from '../engine/clock.ts';
import type { FollowedCall, Follower } from './call-observers.ts';

export interface ShadowParts {
  readonly clock: Clock;
  readonly report: ShadowReport & { broke(): void };
  readonly memory: UserMemory;
  /** In [0, 1). */
  readonly random: () => number;
  /** Told once: the shadow is off from then on. */
  readonly broke: (error: unknown) => void;
}

const noBody = Buffer.alloc(0);
const nobody: FollowedCall = {
  ended: () => undefined,
  over: () => undefined,
  left: () => undefined,
};

export class ShadowRun implements Follower {
  readonly #clock: Clock;
  readonly #broke: (error: unknown) => void;
  readonly #tally = new ShadowTally();
  #shadow: Shadow | undefined;
  #alarmAtMs = Infinity;
  #callOffAlarm: (() => void) | undefined;

  constructor(options: ShadowOptions, { clock, report, memory, random, broke }: ShadowParts) {
    this.#clock = clock;
    this.#broke = (error) => {
      report.broke();
      broke(error);
    };
    this.#shadow = new Shadow(options, reportToBoth(this.#tally, report), memory, random);
  }

  /** What it found so far, in words. */
  get summary(): string {
    return this.#tally.summary;
  }

  arrives(arrival: Arrival<Caller>, nowMs: number): FollowedCall {
    const { collapsible, key, callClass, resource, method, target, headers, sizeBytes } = arrival;
    const call = this.#enter((shadow) =>
      shadow.arrives(
        {
          ...{ collapsible, key, callClass, resource, method, target, sizeBytes },
          // They tell whether two calls are identical, and nothing else here.
          headers: collapsible ? headers : [],
          body: noBody,
        },
        nowMs,
      ),
    );
    if (call === undefined) return nobody;
    return {
      ended: (outcome, atMs) => this.#enter((shadow) => shadow.outcome(call, outcome, atMs)),
      over: (atMs) => this.#enter((shadow) => shadow.realOver(call, atMs)),
      left: (atMs) => this.#enter((shadow) => shadow.left(call, atMs)),
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
    this.#callOffAlarm?.();
    this.#shadow = undefined;
  }

  #enter<T>(event: (shadow: Shadow) => T): T | undefined {
    const shadow = this.#shadow;
    if (shadow === undefined) return undefined;
    try {
      const result = event(shadow);
      this.#setAlarm(Math.min(shadow.wakeAtMs, shadow.endsAtMs));
      return result;
    } catch (error) {
      this.stop();
      this.#broke(error);
      return undefined;
    }
  }

  #setAlarm(atMs: number): void {
    if (atMs >= this.#alarmAtMs) return;
    this.#callOffAlarm?.();
    this.#alarmAtMs = atMs;
    this.#callOffAlarm = this.#clock.alarm(atMs, () => {
      this.#alarmAtMs = Infinity;
      this.#enter((shadow) => shadow.wake(this.#clock.now()));
    });
  }
}
