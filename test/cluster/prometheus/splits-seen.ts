/**
 * Splits as the pool sees them: calls of one refused batch that came again in two or more requests.
 * Every call must have its own target.
 */
import type { ReceivedRequest } from '../../../src/simulator/pool/request-log.ts';
import type { Simulator } from '../../../src/simulator/simulator.ts';

export interface SplitsSeen {
  /** Number of splits by the refusals of the most refused call: `1`, `2`, `3`, `4+`. */
  readonly byDepth: Readonly<Record<string, number>>;
  /** Number of calls in refused requests, single requests included. Each refusal counts. */
  readonly refusedCalls: number;
  /** Number of requests that resulted from splits. */
  readonly pieces: number;
}

const callsOf = ({ target, parts }: ReceivedRequest): readonly string[] =>
  parts.length > 0 ? parts.map((part) => part.target) : [target];

export function splitsSeen({ ledger }: Simulator): SplitsSeen {
  const ran = new Set(ledger.entries().map(({ requestId }) => requestId));
  const requests = ledger.requests();
  const comings = new Map<string, ReceivedRequest[]>();
  for (const request of requests) {
    for (const call of callsOf(request)) {
      comings.set(call, [...(comings.get(call) ?? []), request]);
    }
  }
  const byDepth: Record<string, number> = {};
  let refusedCalls = 0;
  let pieces = 0;
  for (const request of requests.filter(({ id }) => !ran.has(id))) {
    const calls = callsOf(request);
    refusedCalls += calls.length;
    const next = new Set<ReceivedRequest | undefined>();
    let depth = 0;
    for (const call of calls) {
      const turns = comings.get(call)!;
      const turn = turns.indexOf(request);
      next.add(turns[turn + 1]);
      depth = Math.max(depth, turns.slice(0, turn + 1).filter(({ id }) => !ran.has(id)).length);
    }
    if (next.size < 2) continue;
    const label = depth > 3 ? '4+' : String(depth);
    byDepth[label] = (byDepth[label] ?? 0) + 1;
    pieces += next.size;
  }
  return { byDepth, refusedCalls, pieces };
}
