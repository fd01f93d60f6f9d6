/**
 * Replays a trace under other settings, for the command `tune`: runs the shadow with a virtual clock that jumps
 * from event to event.
 */
import type { ShadowArrival, ShadowCall } from './state.ts';
import { Shadow, type ShadowOptions } from './shadow.ts';
import { ShadowTally } from './tally.ts';
import type { TraceCall } from './trace.ts';
import type { UserMemory } from '../schedule/state.ts';

/** The approximate length of one turn of the event loop, in ms. */
const turnMs = 0.2;
const noBody = Buffer.alloc(0);

/**
 * Returns what these calls would have cost under these settings.
 *
 * @param memory the learned state of users; empty at the start
 * @param random returns numbers in [0, 1), for the jitter of the backoff
 */
export function replay(
  calls: readonly ReplayCall[],
  options: ShadowOptions,
  memory: UserMemory,
  random: () => number,
): ShadowTally {
  const tally = new ShadowTally();
  const shadow = new Shadow(options, tally, memory, random);
  const byEnd = calls.map((_, i) => i).sort((a, b) => endOf(calls, a) - endOf(calls, b));
  /** Calls by their index, until they really end. */
  const followed = new Map<number, ShadowCall>();
  let ends = 0;
  let ringsAtMs = Infinity;
  let askedForMs = Infinity;
  // Sets the timer as Node would: at the end of this turn, or after whole milliseconds.
  const setAlarm = (nowMs: number): void => {
    const { wakeAtMs } = shadow;
    if (wakeAtMs === askedForMs) return;
    askedForMs = wakeAtMs;
    ringsAtMs = wakeAtMs <= nowMs ? nowMs + turnMs : nowMs + Math.ceil(wakeAtMs - nowMs);
  };
  /** Lets all events up to `atMs` happen, in order. */
  const until = (atMs: number): void => {
    for (;;) {
      const next = byEnd[ends];
      // The next call to end may not have arrived yet, if it took 0 ms.
      const isNext = next !== undefined && followed.has(next);
      const endsAtMs = isNext ? endOf(calls, next) : Infinity;
      const inShadowMs = shadow.endsAtMs;
      const firstMs = Math.min(endsAtMs, inShadowMs, ringsAtMs);
      if (firstMs > atMs || firstMs === Infinity) return;
      if (firstMs === ringsAtMs || firstMs === inShadowMs) {
        if (firstMs === ringsAtMs) askedForMs = ringsAtMs = Infinity;
        shadow.wake(firstMs);
      } else if (next !== undefined) {
        ends += 1;
        const call = followed.get(next);
        followed.delete(next);
        const { status } = (calls[next] as ReplayCall).trace;
        if (call !== undefined && status > 0) shadow.realEnded(call, firstMs);
        else if (call !== undefined) shadow.callerLeft(call, firstMs);
      }
      setAlarm(firstMs);
    }
  };
  for (const [index, { arrival, trace }] of calls.entries()) {
    const { atMs, tookMs, status } = trace;
    until(atMs);
    const call = shadow.arrives(arrival, atMs);
    followed.set(index, call);
    if (status > 0) shadow.outcome(call, { tookMs, status }, atMs);
    setAlarm(atMs);
  }
  until(Number.MAX_VALUE);
  return tally;
}

/** One call of a trace, and the arrival that the shadow takes for it. */
export interface ReplayCall {
  readonly trace: TraceCall;
  readonly arrival: ShadowArrival;
}

/** Prepares a trace for `replay`. The result can be replayed under many settings. */
export function replayable(trace: readonly TraceCall[]): readonly ReplayCall[] {
  return trace.map((call) => {
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
          forwardedFor: undefined,
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
  });
}

function endOf(calls: readonly ReplayCall[], index: number): number {
  const { atMs, tookMs } = (calls[index] as ReplayCall).trace;
  return atMs + tookMs;
}
