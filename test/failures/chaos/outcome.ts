/** What a caller makes of an answer. */
import type { RawMessage } from './read-message.ts';

export type CallOutcome =
  /** Not yet over. */
  | 'pending'
  /** By the resource itself. */
  | 'answered'
  /** With an error that the pool was told to give. */
  | 'poolError'
  /** With the pool's 429: it did not run. */
  | 'refused429'
  /** By the proxy: it did not run. */
  | 'notExecuted'
  /** By the proxy: nobody knows. */
  | 'unknown'
  /** With the beginning of an answer, visibly no more. */
  | 'brokenOff'
  /** Its caller left. */
  | 'left'
  /** Not at all. */
  | 'unanswered';

/** What the right answer to a call is like. */
export interface Expected {
  /** Undefined for calls that carry none. */
  readonly nonce: string | undefined;
  readonly statuses: readonly number[];
  /** What the body contains, if there is one. */
  readonly inBody: string | undefined;
}

/** Errors that the pool is told to give, and those of its limit. */
const scripted: ReadonlySet<number> = new Set([400, 408, 413, 500, 502, 503, 504]);

/** Judges an answer; what must never be is reported. */
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
    if (nonce !== expected.nonce) report(`${expected.nonce ?? 'a call'} got an answer of nobody`);
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
