/**
 * What holds whatever clients and the pool do (docs/guarantees.md), checked once more by
 * code of its own at the last moment at which a break can still be stopped. What fails a check is a
 * bug of ours: it goes no further, it is counted, and the callers concerned get 500.
 */
import { sameKey } from './ucwa/batch-key.ts';
import type { Asked } from './messages/reply.ts';
import { headerValue } from './messages/http-message.ts';
import type { OutgoingCall } from './messages/outgoing-call.ts';

/** Label values of `ucwa_proxy_invariant_violations_total`, a closed set, in the order of docs/guarantees.md. */
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

export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
  /** For logs, which show no messages. */
  readonly code: Invariant;

  /** `message`: fixed text. */
  constructor(code: Invariant, message: string) {
    super(message);
    this.code = code;
  }
}

/** I1: the envelope speaks for its oldest call, and says what every call of it said itself. */
export function assertOneKey(oldest: OutgoingCall, call: OutgoingCall): void {
  const { key, headers } = call;
  const isOwn =
    headerValue(headers, 'authorization') === key.authorization &&
    headerValue(headers, 'x-ms-webticket') === key.webTicket &&
    headerValue(headers, 'cookie') === key.cookie;
  if (!isOwn || !sameKey(oldest.key, key)) {
    throw new InvariantViolation('one_key', 'calls of two keys in one batch');
  }
}

/** I2: an answer goes to whom it was asked for, and who shares a part asked the same. */
export function assertSameQuestion(one: Asked, other: Asked): void {
  if (one.target !== other.target || !sameKey(one.key, other.key)) {
    throw new InvariantViolation('one_answer', 'the answer to another call');
  }
}

/** What may stand in a request line, less what some decoder takes for the edge of a path. */
const plain = /^[!"$-[\]-~]+$/;
/** Of a decoded path below an application. */
const leavesApplication = /\/\.{0,2}(?:\/|$)|[\\;?#]|[^ -~]/;
const special = /^\/(?:batch|events|photos)(?![a-z0-9])|\/(?:contact)?photo(?![a-z0-9])[^/]*$/i;

/** I3: below the key's application, whoever decodes it, and none of the resources never batched. */
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

/** Empty, which is outside, for what is no text. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return '';
  }
}
