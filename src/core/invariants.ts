/**
 * Invariants that hold for all behavior of clients and of the pool (docs/guarantees.md). These functions check
 * some invariants again, with independent code, just before a violation would do harm. A violation is a bug of
 * the proxy. The proxy then stops the request or the response, counts the violation, and answers its callers
 * with 500.
 */
import { sameKey } from './ucwa/batch-key.ts';
import type { Asked } from './messages/reply.ts';
import { headerValue } from './messages/http-message.ts';
import type { OutgoingCall } from './messages/outgoing-call.ts';

/** All label values of `ucwa_proxy_invariant_violations_total`, in the order of docs/guarantees.md. */
export const invariants = [
  'one_key',
  'one_answer',
  'inside_application',
  'part_edges',
  'unsafe_once',
  'bounded',
  'nothing_shown',
  'keeps_running',
  'own_connection',
] as const;
export type Invariant = (typeof invariants)[number];

/** A violated invariant: a bug of the proxy. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
  /** The violated invariant. Logs show the code, because they never show messages of errors. */
  readonly code: Invariant;

  /** @param message a fixed text, without data of requests */
  constructor(code: Invariant, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Checks I1: all calls of a batch have the same key. The envelope has the credentials of the oldest call, so
 * they must be those that each caller sent itself.
 *
 * @throws InvariantViolation if the call must not share a batch with the oldest one
 */
export function assertOneKey(oldest: OutgoingCall, call: OutgoingCall): void {
  const { key, headers } = call;
  const isOwn =
    headerValue(headers, 'authorization') === key.authorization &&
    headerValue(headers, 'x-ms-webticket') === key.webTicket &&
    headerValue(headers, 'cookie') === key.cookie;
  if (!isOwn || (call !== oldest && !sameKey(oldest.key, key))) {
    throw new InvariantViolation('one_key', 'calls of two keys in one batch');
  }
}

/**
 * Checks I2: a response goes only to the calls that asked for it. Calls that share a part have the same target
 * and key.
 *
 * @throws InvariantViolation if the two calls differ
 */
export function assertSameQuestion(one: Asked, other: Asked): void {
  if (one.target !== other.target || !sameKey(one.key, other.key)) {
    throw new InvariantViolation('one_answer', 'the answer to another call');
  }
}

/** Printable ASCII without blanks, `#` and `\`. */
const plain = /^[!"$-[\]-~]+$/;
/**
 * Matches a decoded path with an empty segment, a dot segment, or a character at which some decoder ends a
 * path.
 */
const leavesApplication = /\/\.{0,2}(?:\/|$)|[\\;?#]|[^ -~]/;
/** Matches a decoded path of a resource that is never batched. */
const special = /^\/(?:batch|events|photos)(?![a-z0-9])|\/(?:contact)?photo(?![a-z0-9])[^/]*$/i;

/**
 * Checks I3: a batched call stays below the application of its key, also after two rounds of decoding, and its
 * resource is not one of those that are never batched.
 *
 * @throws InvariantViolation if the target is not allowed in a batch
 */
export function assertInside({ key, target }: Asked): void {
  const { applicationPath } = key;
  const question = target.indexOf('?', applicationPath.length);
  let path = target.slice(applicationPath.length, question === -1 ? undefined : question);
  for (let times = 0; times < 2 && path.includes('%'); times += 1) path = decoded(path);
  const isInside =
    target.startsWith(applicationPath) &&
    path.startsWith('/') &&
    plain.test(target) &&
    !leavesApplication.test(path) &&
    !special.test(path);
  if (!isInside) {
    throw new InvariantViolation('inside_application', 'a target outside of its application');
  }
}

/**
 * Returns the decoded path; an empty string, which is outside of all applications, if the path cannot be
 * decoded.
 */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return '';
  }
}
