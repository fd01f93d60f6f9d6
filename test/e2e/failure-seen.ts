/** What callers may see when something fails, and the ways to bring it about. */
import type { Fault } from '../../src/simulator/faults/fault.ts';
import type { FaultRule } from '../../src/simulator/faults/fault-script.ts';

/** What a caller sees of a failure. */
export interface Seen {
  /** The cell in the table of docs/failures.md. */
  readonly text: string;
  /**
   * - `own`: what the resource answered, as if nothing had happened.
   * - `pool`: what the pool said instead, word for word.
   * - `503 no`, `504 unknown`: ours, with that `executed`.
   */
  readonly answer: 'own' | 'pool' | '503 no' | '504 unknown';
  /** How the call comes to the pool after the batch that failed. */
  readonly again: 'never' | 'singly' | 'smaller' | 'refused';
}

/** One way to bring the failure about. */
export interface FailureCase {
  readonly name: string;
  /** What happens to a batch of three; without it nobody listens. */
  readonly fault?: FaultRule['fault'];
  /** To whom it happens; by default to one batch. */
  readonly rule?: Omit<FaultRule, 'fault'>;
  /** Positions of the batch that are hit; by default all. */
  readonly hit?: readonly number[];
  /** Whether the pool runs the calls that are hit before it fails; by default it does not. */
  readonly ran?: boolean;
  /** The environment of the proxy. */
  readonly env?: Readonly<Record<string, string>>;
  /** Kind of the protocol error that is counted. */
  readonly counted?: string;
  /** What is asked again comes no sooner. */
  readonly waitsMs?: number;
  /** Whether the pool answers a batch of the same calls before. */
  readonly warm?: boolean;
}

export interface Failure {
  /** Goes on after "when …". */
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

/** An answer in the place of the batch's, with a body and a field that can be known again. */
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
