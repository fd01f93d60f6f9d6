/**
 * Step 2: is the request legal? Node's parser accepts some requests that other servers refuse. If two servers
 * read one message differently, an attacker can smuggle a request past one of them. So the proxy refuses each
 * illegal request before it sends any byte to the pool.
 */
import { announcesBody, type HeadFacts, type RequestHead } from './request-head.ts';

/** Why a request is refused: all label values of `ucwa_proxy_refused_total`. */
export const refusalReasons = [
  'malformed',
  'http_version',
  'host',
  'misdirected',
  'unknown_host',
  'target',
  'method',
  'credentials',
  'connection_auth',
  'transfer_encoding',
  'expectation',
  'head_too_large',
  'slow_request',
  'queue_calls',
  'queue_bytes',
  'user_queue_calls',
  'user_queue_bytes',
  'newcomers',
  'connections',
  'bound_connections',
  'long_polls',
  'slow_reader',
  'http2_resets',
  'http2_flood',
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/** The status of the proxy's own response to a refused request, and the reason. */
export interface Refusal {
  readonly status: 400 | 408 | 417 | 421 | 431 | 501;
  readonly reason: RefusalReason;
}

const refused = {
  version: { status: 400, reason: 'http_version' },
  host: { status: 400, reason: 'host' },
  misdirected: { status: 421, reason: 'misdirected' },
  target: { status: 400, reason: 'target' },
  method: { status: 501, reason: 'method' },
  credentials: { status: 400, reason: 'credentials' },
  transferCoding: { status: 501, reason: 'transfer_encoding' },
  fields: { status: 431, reason: 'head_too_large' },
  framing: { status: 400, reason: 'transfer_encoding' },
} as const satisfies Record<string, Refusal>;

/** `#` and `\` are illegal in a request target. Node's parser refuses blanks, controls and bytes above 0x7f. */
const illegalInPath = /[#\\]/;

/** The limit of Apache, and of the parts of a batch. Short fields take much more memory than their length. */
const maxFields = 100;

/** A length that all servers read as the same number. `040` is 32 to a server that reads octal digits. */
const plainLength = /^(?:0|[1-9][0-9]{0,15})$/;

const endsInChunked = /(?:^|,)[ \t]*chunked$/;

const absoluteForm = /^https?:\/\/([^/?#]*)([^#]*)$/i;

/**
 * Checks the head of a request. Returns the target in origin-form (RFC 9112 section 3.2), byte for byte as the
 * proxy sends it; `*` for `OPTIONS *`. Returns a refusal if the request is illegal. The caller closes the
 * connection of a refused request.
 *
 * @param facts the result of `readHead` for this head
 */
export function admit(head: RequestHead, facts: HeadFacts): string | Refusal {
  const version = head.httpVersion;
  // `2` comes only from HTTP/2: a parser of HTTP/1.1 gives two numbers.
  if (version !== '1.1' && version !== '1.0' && version !== '2') return refused.version;
  if (head.headers.length > 2 * maxFields) return refused.fields;
  const { contentLength } = facts;
  if (facts.resemblesFraming) return refused.framing;
  if (contentLength !== undefined && !plainLength.test(contentLength)) return refused.framing;
  // A body of HEAD has no meaning, and not all servers read one (RFC 9110 section 9.3.2).
  if (head.method === 'HEAD' && announcesBody(facts)) return refused.framing;
  if (facts.transferEncoding !== undefined) {
    const codings = facts.transferEncoding.toLowerCase();
    // The end of the body is certain only if `chunked` is the last coding (RFC 9112 section 6.3).
    if (version === '1.0' || !endsInChunked.test(codings)) return refused.framing;
    if (codings !== 'chunked') return refused.transferCoding;
  }
  if (facts.hosts > 1 || (facts.hosts === 0 && version !== '1.0')) return refused.host;
  if (facts.hasIllegalHost) return refused.host;
  if (facts.repeatedCredential) return refused.credentials;
  if (head.method === 'CONNECT' || head.method === 'TRACE') return refused.method;
  return originForm(head, facts);
}

function originForm(head: RequestHead, facts: HeadFacts): string | Refusal {
  const { target } = head;
  if (target.startsWith('/')) return isLegal(target) ? target : refused.target;
  if (target === '*') return head.method === 'OPTIONS' ? target : refused.target;
  const absolute = absoluteForm.exec(target);
  if (absolute === null) return refused.target;
  if (absolute[1]?.toLowerCase() !== facts.host?.toLowerCase()) return refused.misdirected;
  const rest = absolute[2] ?? '';
  const reduced = rest.startsWith('/') ? rest : `/${rest}`;
  return isLegal(reduced) ? reduced : refused.target;
}

function isLegal(target: string): boolean {
  const question = target.indexOf('?');
  if (question === -1) return !illegalInPath.test(target);
  return !illegalInPath.test(target.slice(0, question)) && !target.includes('#', question);
}
