/** When and how an in-flight request of the shadow ends. */
import type { Batch, Call } from '../schedule/state.ts';
import { waitersOf } from '../schedule/queue/calls.ts';
import type { ShadowCall, InFlightRequest } from './state.ts';
import type { Ending } from '../answer/ending.ts';
import type { Outcome } from './outcome.ts';

/** The end of a request of the shadow. */
export interface RequestEnd {
  /** The time of the end, in ms. */
  readonly atMs: number;
  /** The real outcome of each call, in the order of the batch; empty if the request failed. */
  readonly outcomes: readonly Outcome[];
  readonly ending: Ending;
}

const nothing = Buffer.alloc(0);
const noOutcome: Outcome = {
  tookMs: 0,
  cause: 'connection',
  fault: { phase: 'unknown', name: 'connection_terminated' },
};

const callerLeft: Outcome = { tookMs: 0, status: 0 };

/** The end of a batch that no caller waits for any more. */
export const abandoned: RequestEnd = {
  atMs: 0,
  outcomes: [],
  ending: {
    kind: 'failure',
    cause: 'connection',
    fault: { phase: 'unknown', name: 'connection_terminated' },
  },
};

/** Returns a request that the shadow sends now. */
export function newRequest(batch: Batch<ShadowCall>, unbatched: boolean): InFlightRequest {
  return { batch, unbatched, isSlotFree: false, isEndKnown: false, isOver: false };
}

/** Returns the number of calls that a batch sends for the first time, those that share a part included. */
export function newCallsOf(batch: Batch<ShadowCall>): number {
  let newCalls = 0;
  for (const slot of batch.calls) {
    for (const call of waitersOf(slot)) {
      if (call.attempts === 1 && call.original === undefined) newCalls += 1;
    }
  }
  return newCalls;
}

/** Returns a response without content: the shadow only uses the status. */
export function replyOf(status: number) {
  return { status, reason: '', headers: [], body: nothing };
}

/**
 * Returns the end of a request, or `undefined` until it is known. A call in a batch takes as long as its real
 * request, and a batch takes as long as its slowest call. A batch fails when the first of its calls really
 * failed. The pool refuses it if the pool refused as many outstanding calls before. The end is always known in
 * time, because a call is never sent sooner in the shadow than really.
 */
export function endOf({ batch }: InFlightRequest): RequestEnd | undefined {
  const { sentAtMs, calls, outstanding } = batch;
  const outcomes: Outcome[] = [];
  let tookMs = 0;
  let failed = calls[0]?.caller.pace.refusals.of(outstanding);
  for (const call of calls) {
    const outcome = outcomeOf(call);
    if (outcome === undefined) continue;
    outcomes.push(outcome);
    tookMs = Math.max(tookMs, outcome.tookMs);
    if ('cause' in outcome && outcome.tookMs < (failed?.tookMs ?? Infinity)) failed = outcome;
  }
  if (failed !== undefined) {
    const { cause, fault, retryAfterMs } = failed;
    const ending: Ending = { kind: 'failure', cause, fault, retryAfterMs };
    return { atMs: sentAtMs + failed.tookMs, outcomes: [], ending };
  }
  if (outcomes.length < calls.length) return undefined;
  const [only] = outcomes;
  const ending: Ending =
    calls.length === 1 && only !== undefined && 'status' in only
      ? { kind: 'relay', reply: replyOf(only.status) }
      : { kind: 'complete' };
  return { atMs: sentAtMs + tookMs, outcomes, ending };
}

/**
 * Returns the real outcome for the current request of a call, or `undefined` until it is known. The second
 * request of a call in the shadow has the outcome of its second real request. Without a second real request,
 * the last outcome counts.
 */
function outcomeOf({ caller, attempts, original }: Call<ShadowCall>): Outcome | undefined {
  const { outcomes, isOver, hasLeft } = caller;
  const known = outcomes[(original?.attempts ?? attempts) - 1];
  // The caller left, so the real duration is unknown. The call must not delay the other calls of its batch.
  if (known === undefined && hasLeft) return callerLeft;
  return known ?? (isOver ? (outcomes.at(-1) ?? noOutcome) : undefined);
}
