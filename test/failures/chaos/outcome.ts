/**
 * The result that a caller of the chaos test got. `judge` classifies answers; `load.ts` sets the other
 * outcomes.
 */
import type { RawMessage } from './read-message.ts';

export type CallOutcome =
  /** The call is in flight. */
  | 'pending'
  /** The resource answered. */
  | 'answered'
  /** The pool sent an error, as planned. */
  | 'poolError'
  /** The pool refused the call with 429. The call did not run. */
  | 'refused429'
  /** The proxy reported that the call did not run. */
  | 'notExecuted'
  /** The proxy reported that the call may have run. */
  | 'unknown'
  /** Only the beginning of an answer came, and the caller could notice that. */
  | 'brokenOff'
  /** The caller left. */
  | 'left'
  /** No answer came. */
  | 'unanswered';

/** The properties of the right answer. */
export interface Expected {
  /** Undefined for calls without a nonce. */
  readonly nonce: string | undefined;
  readonly statuses: readonly number[];
  /** Text that the body must contain, if there is a body. */
  readonly inBody: string | undefined;
}

/** Statuses of the errors that the pool sends as planned, and of its limits. */
const scripted: ReadonlySet<number> = new Set([400, 408, 413, 500, 502, 503, 504]);

/** Classifies an answer, and reports what must not happen. */
export function judge(
  { status, head, body }: RawMessage,
  expected: Expected,
  report: (violation: string) => void,
): CallOutcome {
  const nonce = /^x-nonce: *(\S+)/im.exec(head)?.[1];
  if (nonce !== undefined && nonce !== expected.nonce) {
    report(`${expected.nonce ?? 'a call'} got the answer of ${nonce}`);
  }
  if (expected.statuses.includes(status)) {
    if (nonce !== expected.nonce)
      report(`${expected.nonce ?? 'a call'} got an answer without nonce`);
    if (expected.inBody !== undefined && !body.includes(expected.inBody)) {
      report(`${expected.nonce ?? expected.inBody} got a foreign body: ${body.slice(0, 200)}`);
    }
    return 'answered';
  }
  if (/^content-type: *application\/problem\+json/im.test(head)) {
    const executed = /"executed":"(no|unknown)"/.exec(body)?.[1];
    if ((status === 503 || status === 429) && executed === 'no') return 'notExecuted';
    if (status === 504 && executed === 'unknown') return 'unknown';
  } else if (status === 429) {
    return 'refused429';
  } else if (scripted.has(status)) {
    return 'poolError';
  }
  report(`${expected.nonce ?? 'a call'} was answered ${status}: ${body.slice(0, 200)}`);
  return 'poolError';
}
