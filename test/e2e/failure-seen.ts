/** The form of failure cases: how to cause the failure, and what each caller sees. */
import type { Fault } from '../../src/simulator/faults/fault.ts';
import type { FaultRule } from '../../src/simulator/faults/fault-script.ts';

/** The result of a failure for a caller. */
export interface Seen {
  /** The cell in the table of docs/failures.md. */
  readonly text: string;
  /**
   * - `own`: the answer of the resource, as without a failure.
   * - `pool`: the pool's error, byte for byte.
   * - `503 no`, `504 unknown`: the proxy's own answer, with this `executed`.
   */
  readonly answer: 'own' | 'pool' | '503 no' | '504 unknown';
  /** How the call reaches the pool after the failed batch. */
  readonly again: 'never' | 'singly' | 'smaller' | 'refused';
}

/** One way to cause the failure. */
export interface FailureCase {
  readonly name: string;
  /** The fault that a batch of three meets. Without a fault, no server listens. */
  readonly fault?: FaultRule['fault'];
  /** Which requests meet the fault. The default is one batch. */
  readonly rule?: Omit<FaultRule, 'fault'>;
  /** Positions of the calls that the fault affects. The default is all. */
  readonly hit?: readonly number[];
  /** Whether the pool runs the affected calls before it fails. The default is that it does not. */
  readonly ran?: boolean;
  /** The environment of the proxy. */
  readonly env?: Readonly<Record<string, string>>;
  /** Kind of the protocol error that the metrics count. */
  readonly counted?: string;
  /** Least time before a retry, in ms. */
  readonly waitsMs?: number;
  /** Whether the pool has answered a batch of the same calls before. */
  readonly warm?: boolean;
}

export interface Failure {
  /** Continues "when …". */
  readonly when: string;
  readonly read: Seen;
  readonly write: Seen;
  readonly cases: readonly FailureCase[];
}

export const asIs: Seen = { text: "the pool's answer, unchanged", answer: 'pool', again: 'never' };
export const askedAgain: Seen = {
  text: 'its answer: the proxy sends it again, unbatched',
  answer: 'own',
  again: 'singly',
};
export const sentAgain: Seen = {
  text: 'its answer: it did not run, so the proxy sends it again, unbatched',
  answer: 'own',
  again: 'singly',
};
export const smaller: Seen = {
  text: 'its answer: the proxy sends it again, in a smaller batch',
  answer: 'own',
  again: 'smaller',
};
export const unknown: Seen = {
  text: '504, `executed: unknown`',
  answer: '504 unknown',
  again: 'never',
};
export const notRun: Seen = {
  text: '503 with `Retry-After`, `executed: no`',
  answer: '503 no',
  again: 'never',
};

export const refusedUntilLate: Seen = {
  text: "the pool's 429",
  answer: 'pool',
  again: 'refused',
};

/** An error in place of the batch answer, with a recognizable body and field. */
export function says(
  status: number,
  more: { headers?: readonly string[]; execute?: boolean; contentType?: string } = {},
): Extract<Fault, { kind: 'status' }> {
  const { headers = [], execute = false, contentType = 'application/json' } = more;
  return {
    kind: 'status',
    status,
    body: `{"code":"Said${status}"}`,
    contentType,
    headers: ['X-Ms-diagnostics', '1;reason="scripted"', ...headers],
    execute,
  };
}
