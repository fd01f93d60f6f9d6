/** One request of the shadow under way: when it would have ended, and how. */
import type { Call } from '../schedule/state.ts';
import type { ShadowCall, InFlightRequest } from './state.ts';
import type { Ending } from '../answer/ending.ts';
import type { Outcome } from './outcome.ts';

/** How it ends, and when. */
export interface RequestEnd {
  readonly atMs: number;
  readonly outcomes: readonly Outcome[];
  readonly ending: Ending;
}

const nothing = Buffer.alloc(0);
const noOutcome: Outcome = {
  tookMs: 0,
  trouble: 'connection',
  fault: { phase: 'unknown', name: 'connection_terminated' },
};

const callerLeft: Outcome = { tookMs: 0, status: 0 };

/** Nobody waits for it any more. */
export const abandoned: RequestEnd = {
  atMs: 0,
  outcomes: [],
  ending: {
    kind: 'trouble',
    trouble: 'connection',
    fault: { phase: 'unknown', name: 'connection_terminated' },
  },
};

export function replyOf(status: number) {
  return { status, reason: '', headers: [], body: nothing };
}

/**
 * Each call takes in a batch what it took alone, and a batch takes what its slowest call does. It
 * fails as soon as one of its calls did, and is refused where the pool would have refused so many.
 * `undefined`: that is not known yet; since a call leaves here no sooner than it really did, it is
 * known in time.
 */
export function endOf({ batch }: InFlightRequest): RequestEnd | undefined {
  const { sentAtMs, calls, outstanding } = batch;
  const outcomes: Outcome[] = [];
  let tookMs = 0;
  let failed = calls[0]?.ticket.pace.refusals.of(outstanding);
  for (const call of calls) {
    const outcome = outcomeOf(call);
    if (outcome === undefined) continue;
    outcomes.push(outcome);
    tookMs = Math.max(tookMs, outcome.tookMs);
    if ('trouble' in outcome && outcome.tookMs < (failed?.tookMs ?? Infinity)) failed = outcome;
  }
  if (failed !== undefined) {
    const { trouble, fault, retryAfterMs } = failed;
    const ending: Ending = { kind: 'trouble', trouble, fault, retryAfterMs };
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

/** Of the request that it is in now: a second one ends as the second one really did, if there was. */
function outcomeOf({ ticket, attempts, original }: Call<ShadowCall>): Outcome | undefined {
  const { outcomes, isOver, hasLeft } = ticket;
  const known = outcomes[(original?.attempts ?? attempts) - 1];
  // Nobody knows what it would have taken; the others of its batch are not concerned.
  if (known === undefined && hasLeft) return callerLeft;
  return known ?? (isOver ? (outcomes.at(-1) ?? noOutcome) : undefined);
}
