/** The request fields that the proxy forwards to the pool. */
import { endToEndHeaders, type RawHeaders, withHyphens } from '../messages/http-message.ts';
import type { OutgoingCall } from '../messages/outgoing-call.ts';

/** Fields that speak for the connection to us, or that we say ourselves. */
export const neverForwarded = [
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
export const pseudonym = 'ucwa-batch-proxy';

const notOnSingles: ReadonlySet<string> = new Set(neverForwarded);

const notPassedThrough: ReadonlySet<string> = new Set(['host', 'expect', 'x-ucwa-batch']);

/** The fields that the proxy forwards in a part or in a single request, except those in `without`. */
export function forwardable(headers: RawHeaders, without: ReadonlySet<string>): string[] {
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
