/**
 * Replays a trace under other settings, for the command `tune`: runs the shadow with a virtual clock that jumps
 * from event to event.
 */
import { TimerHeap } from '../structures/timer-heap.ts';
import type { UserMemory } from '../schedule/state.ts';
import type { ShadowArrival, ShadowCall, ShadowReport } from './state.ts';
import { Shadow, type ShadowOptions } from './shadow.ts';
import { reportToBoth, ShadowTally } from './tally.ts';
import type { TraceCall } from './trace.ts';

/** The approximate length of one turn of the event loop, in ms. */
const turnMs = 0.2;
const noBody = Buffer.alloc(0);

/** A call that has arrived and has not really ended yet. */
interface FollowedCall {
  readonly call: ShadowCall;
  readonly status: number;
}

/** Replays calls one by one, in order of arrival. Its memory grows with the open calls only. */
export class Replay {
  readonly #shadow: Shadow;
  readonly #tally = new ShadowTally();
  readonly #ends = new TimerHeap<FollowedCall>();
  #ringsAtMs = Infinity;
  #askedForMs = Infinity;

  /**
   * @param memory the learned state of users; empty at the start
   * @param random returns numbers in [0, 1), for the jitter of the backoff
   * @param report gets the results too
   */
  constructor(
    options: ShadowOptions,
    memory: UserMemory,
    random: () => number,
    report?: ShadowReport,
  ) {
    const reports = report === undefined ? this.#tally : reportToBoth(this.#tally, report);
    this.#shadow = new Shadow(options, reports, memory, random);
  }

  /** Lets a call arrive. Calls must come in order of arrival. */
  arrives({ arrival, trace }: ReplayCall): void {
    const { atMs, tookMs, status } = trace;
    this.#reach(atMs);
    const call = this.#shadow.arrives(arrival, atMs);
    this.#ends.add({ call, status }, atMs + tookMs);
    if (status > 0) this.#shadow.outcome(call, { tookMs, status }, atMs);
    this.#setTimer(atMs);
  }

  /** Lets all calls end, and returns the totals. */
  end(): ShadowTally {
    this.#reach(Number.MAX_VALUE);
    return this.#tally;
  }

  /** Lets all events up to `atMs` happen, in order. */
  #reach(atMs: number): void {
    for (;;) {
      const inShadowMs = this.#shadow.endsAtMs;
      const firstMs = Math.min(this.#ends.nextAtMs, inShadowMs, this.#ringsAtMs);
      if (firstMs > atMs || firstMs === Infinity) return;
      if (firstMs === this.#ringsAtMs || firstMs === inShadowMs) {
        if (firstMs === this.#ringsAtMs) this.#askedForMs = this.#ringsAtMs = Infinity;
        this.#shadow.wake(firstMs);
      } else {
        const { call, status } = this.#ends.take().item;
        if (status > 0) this.#shadow.realEnded(call, firstMs);
        else this.#shadow.callerLeft(call, firstMs);
      }
      this.#setTimer(firstMs);
    }
  }

  /** Sets the timer as Node would: at the end of this turn, or after whole milliseconds. */
  #setTimer(nowMs: number): void {
    const { wakeAtMs } = this.#shadow;
    if (wakeAtMs === this.#askedForMs) return;
    this.#askedForMs = wakeAtMs;
    this.#ringsAtMs = wakeAtMs <= nowMs ? nowMs + turnMs : nowMs + Math.ceil(wakeAtMs - nowMs);
  }
}

/**
 * Returns the cost of these calls under these settings. The parameters are those of `Replay`.
 */
export function replay(
  calls: readonly ReplayCall[],
  options: ShadowOptions,
  memory: UserMemory,
  random: () => number,
): ShadowTally {
  const run = new Replay(options, memory, random);
  for (const call of calls) run.arrives(call);
  return run.end();
}

/** One call of a trace, and the arrival that the shadow takes for it. */
export interface ReplayCall {
  readonly trace: TraceCall;
  readonly arrival: ShadowArrival;
}

/** Prepares a trace for `replay`. The result can be replayed under many settings. */
export function replayable(trace: readonly TraceCall[]): readonly ReplayCall[] {
  return trace.map(replayCall);
}

/** Prepares a call of a trace for `Replay.arrives`. */
export function replayCall(call: TraceCall): ReplayCall {
  const { user, key, callClass, method, route, resource, same, sizeBytes } = call;
  const applicationPath = `/${key}`;
  const path = `${applicationPath}${route}/${resource}`;
  return {
    trace: call,
    arrival: {
      key: {
        authority: '',
        applicationPath,
        authorization: user,
        webTicket: undefined,
        cookie: undefined,
        origin: undefined,
        msOrigin: undefined,
        minVersion: undefined,
        forwarded: [],
        user,
      },
      callClass,
      resource: path,
      collapsible: same !== '',
      method,
      target: same === '' ? path : `${path}?${same}`,
      headers: [],
      body: noBody,
      sizeBytes,
    },
  };
}
