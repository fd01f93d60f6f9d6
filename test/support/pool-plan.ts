import type { FailureCause, FaultPhase } from '../../src/core/messages/fault.ts';
import type { Ending } from '../../src/core/answer/ending.ts';

/** How the pool answers a batch. */
export interface PoolPlan {
  readonly afterMs: number;
  /** Interval between the parts. `undefined`: all parts come at the end. */
  readonly partEveryMs: number | undefined;
  readonly ending: PlannedEnding;
}

/** Failures of a batch: the phase of the fault, and whether the calls have run nevertheless. */
const troubles = {
  refused: ['unsent', false],
  no_batch: ['unsent', false],
  request_too_large: ['unsent', false],
  server_error: ['unknown', true],
  broken_off: ['unknown', true],
  miscounted: ['unknown', true],
  connection: ['unsent', false],
} as const satisfies Partial<Record<FailureCause, readonly [FaultPhase, boolean]>>;

export type PlannedEnding = 'complete' | 'relay' | keyof typeof troubles;

/** Whether the calls of a request with this ending have run. */
export function executes(ending: PlannedEnding): boolean {
  return ending === 'complete' || ending === 'relay' || troubles[ending][1];
}

export function endingOf({ ending }: PoolPlan): Ending {
  if (ending === 'complete') return { kind: 'complete' };
  const reply = { status: 403, reason: '', headers: [], body: Buffer.from('relayed') };
  if (ending === 'relay') return { kind: 'relay', reply };
  const fault = { phase: troubles[ending][0], name: 'http_protocol_error' } as const;
  const isRelayable = ending === 'refused' || ending === 'server_error';
  const said = { ...reply, body: Buffer.from(ending) };
  return {
    kind: 'failure',
    cause: ending,
    fault,
    ...(isRelayable ? { reply: said } : {}),
  };
}
