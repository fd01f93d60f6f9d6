/**
 * The way out: calls become the parts of one `multipart/batching` body, in the very shape that real
 * clients send (a CRLF before the first delimiter, one part header, a bare boundary). A call that
 * travels alone is not wrapped; its head is made here too, so that both say the same things.
 */
import type { BatchKey } from '../ucwa/batch-key.ts';
import { InvariantViolation } from '../invariants.ts';
import { endToEndHeaders, type RawHeaders, withHyphens } from '../messages/http-message.ts';

/** What of a call goes to the pool. */
export interface OutgoingCall {
  readonly method: string;
  readonly target: string;
  /** As the caller sent them. */
  readonly headers: RawHeaders;
  readonly body: Buffer;
  readonly key: BatchKey;
}

/** Fields that speak for the connection to us, or that we say ourselves. */
const neverForwarded = [
  'host',
  'content-length',
  'expect',
  'forwarded',
  'traceparent',
  'tracestate',
  'baggage',
  'b3',
  'uber-trace-id',
  'x-amzn-trace-id',
  'x-cloud-trace-context',
  'x-ucwa-batch',
  'x-real-ip',
];
const prefixesNeverForwarded = ['x-forwarded-', 'x-b3-'];

/** Our name in `Via` (RFC 9110 section 7.6.3). A pool on IIS keeps no sign-in that came with a `Via`. */
const pseudonym = 'ucwa-batch-proxy';

const notOnSingles: ReadonlySet<string> = new Set(neverForwarded);
const notInParts: ReadonlySet<string> = new Set([
  ...neverForwarded,
  'via',
  'authorization',
  'x-ms-webticket',
  'cookie',
  'accept-encoding',
]);

const notPassedThrough: ReadonlySet<string> = new Set(['host', 'expect', 'x-ucwa-batch']);

/** Fields that the envelope takes from its oldest call, since they describe the client. */
const fromOldestCall = [
  'user-agent',
  'referer',
  'x-requested-with',
  'accept-language',
  'x-ms-namespace',
];
const fromOldestCallByPrefix = 'x-ms-sdk-';

function forwardable(headers: RawHeaders, without: ReadonlySet<string>): string[] {
  const kept = endToEndHeaders(headers, without);
  const result: string[] = [];
  for (let i = 0; i < kept.length; i += 2) {
    const name = kept[i] as string;
    const lower = withHyphens(name.toLowerCase());
    if (prefixesNeverForwarded.some((prefix) => lower.startsWith(prefix))) continue;
    result.push(name, kept[i + 1] as string);
  }
  return result;
}

/** The body of a batch, or `undefined` when the boundary occurs in a part: then draw another. */
export function encodeBatch(
  calls: readonly OutgoingCall[],
  authority: string,
  boundary: string,
): Buffer | undefined {
  const delimiter = `\r\n--${boundary}`;
  const pieces: Buffer[] = [];
  let text = '';
  let fields = '';
  let fieldsOf: RawHeaders | undefined;
  for (const { method, target, headers, body } of calls) {
    // Calls of one client mostly differ in their targets alone.
    if (fieldsOf === undefined || !areSame(fieldsOf, headers)) {
      fields = partFields(headers, authority);
      fieldsOf = headers;
      if (fields.includes(boundary)) return undefined;
    }
    if (target.includes(boundary) || body.includes(boundary)) return undefined;
    const length = body.length > 0 ? `Content-Length: ${body.length}\r\n` : '';
    text +=
      `${delimiter}\r\nContent-Type: application/http; msgtype=request\r\n\r\n` +
      `${method} ${target} HTTP/1.1\r\n${fields}${length}\r\n`;
    if (body.length > 0) {
      pieces.push(Buffer.from(text, 'latin1'), body);
      text = '';
    }
  }
  pieces.push(Buffer.from(`${text}${delimiter}--\r\n`, 'latin1'));
  return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
}

const boundaryDraws = 8;

/** The body of a batch with the first of some boundaries that does not occur in its parts. */
export function encodeWith(
  nextBoundary: () => string,
  calls: readonly OutgoingCall[],
  authority: string,
): { readonly boundary: string; readonly body: Buffer } {
  for (let draw = 0; draw < boundaryDraws; draw += 1) {
    const boundary = nextBoundary();
    const body = encodeBatch(calls, authority, boundary);
    if (body !== undefined) return { boundary, body };
  }
  throw new InvariantViolation('part_edges', 'no boundary was absent from the parts');
}

/** Field values hold no line end or NUL; the parser in front saw to it, and this proves it again. */
const breaksLine = /[\r\n\0]/;

/** The fields of a part, a line each; a length is not among them. */
function partFields(fields: RawHeaders, authority: string): string {
  const headers = forwardable(fields, notInParts);
  let lines = `Host: ${authority}\r\n`;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    if (breaksLine.test(name) || breaksLine.test(value)) {
      throw new InvariantViolation('part_edges', 'line break in a field of a part');
    }
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

function areSame(one: RawHeaders, other: RawHeaders): boolean {
  if (one === other) return true;
  return one.length === other.length && one.every((text, i) => text === other[i]);
}

/** The fields of a batch's envelope; `Content-Length` is left to the sender. */
export function envelopeHeaders(
  oldest: OutgoingCall,
  authority: string,
  boundary: string,
): string[] {
  const { key } = oldest;
  const headers = ['Host', authority, 'Accept', 'multipart/batching'];
  headers.push('Content-Type', `multipart/batching;boundary=${boundary}`);
  if (key.authorization !== undefined) headers.push('Authorization', key.authorization);
  if (key.webTicket !== undefined) headers.push('X-MS-WebTicket', key.webTicket);
  if (key.cookie !== undefined) headers.push('Cookie', key.cookie);
  if (key.origin !== undefined) headers.push('Origin', key.origin);
  if (key.msOrigin !== undefined) headers.push('X-Ms-Origin', key.msOrigin);
  if (key.minVersion !== undefined) {
    headers.push('X-MS-RequiresMinResourceVersion', key.minVersion);
  }
  const own = endToEndHeaders(oldest.headers);
  for (let i = 0; i < own.length; i += 2) {
    const name = own[i] as string;
    const lower = name.toLowerCase();
    if (fromOldestCall.includes(lower) || lower.startsWith(fromOldestCallByPrefix)) {
      headers.push(name, own[i + 1] as string);
    }
  }
  headers.push('Accept-Encoding', 'identity', 'Via', `1.1 ${pseudonym}`);
  if (key.forwardedFor !== undefined) headers.push('X-Forwarded-For', key.forwardedFor);
  return headers;
}

/** The fields of a call that travels as itself; `Content-Length` is left to the sender. */
export function singleHeaders(call: OutgoingCall, authority: string): string[] {
  const headers = ['Host', authority, ...forwardable(call.headers, notOnSingles)];
  headers.push('Via', `1.1 ${pseudonym}`);
  if (call.key.forwardedFor !== undefined) headers.push('X-Forwarded-For', call.key.forwardedFor);
  return headers;
}

/** Fields by which proxies speak of the client; from a peer that is not trusted they are hearsay. */
const hearsay: ReadonlySet<string> = new Set([
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-forwarded-server',
  'x-real-ip',
]);

/**
 * The fields of a request that passes through: all that travel end to end, and ourselves in `Via`.
 *
 * @param httpVersion of the request, as `1.1`
 */
export function passThroughHeaders(
  headers: RawHeaders,
  authority: string,
  trusted: boolean,
  httpVersion: string,
): string[] {
  const kept = endToEndHeaders(headers, notPassedThrough);
  const result = ['Host', authority];
  for (let i = 0; i < kept.length; i += 2) {
    const name = kept[i] as string;
    const isHearsay = hearsay.has(withHyphens(name.toLowerCase()));
    if (trusted || !isHearsay) result.push(name, kept[i + 1] as string);
  }
  result.push('Via', `${httpVersion} ${pseudonym}`);
  return result;
}
