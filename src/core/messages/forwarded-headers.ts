/** The request fields that the proxy forwards to the pool. */
import { forwardedNames, type ForwardedFields } from './forwarded-fields.ts';
import { endToEndHeaders, type RawHeaders, withHyphens } from './http-message.ts';
import type { OutgoingCall } from './outgoing-call.ts';

/**
 * Fields that are never forwarded in parts and single requests, in lower case. They concern the connection
 * between client and proxy, or the proxy writes them itself.
 */
export const neverForwarded = [
  'host',
  'content-length',
  'expect',
  'forwarded',
  'baggage',
  'b3',
  'uber-trace-id',
  'x-amzn-trace-id',
  'x-cloud-trace-context',
  'x-ucwa-batch',
  'x-real-ip',
];
const prefixesNeverForwarded = ['x-forwarded-', 'x-b3-'];

/**
 * The name of the proxy in `Via` (RFC 9110 section 7.6.3). IIS keeps no sign-in on a connection if the request
 * has a `Via`.
 */
export const pseudonym = 'ucwa-batch-proxy';

const notOnSingles: ReadonlySet<string> = new Set(neverForwarded);

const notPassedThrough: ReadonlySet<string> = new Set(['host', 'expect', 'x-ucwa-batch']);

/**
 * Returns the fields that the proxy forwards in a part or in a single request.
 *
 * @param without names of fields to leave out, in lower case
 */
export function forwardable(headers: RawHeaders, without: ReadonlySet<string>): string[] {
  const kept = endToEndHeaders(headers, without);
  const result: string[] = [];
  for (let i = 0; i < kept.length; i += 2) {
    const name = kept[i] as string;
    const plain = name.toLowerCase();
    const lower = plain.includes('_') ? withHyphens(plain) : plain;
    if (prefixesNeverForwarded.some((prefix) => lower.startsWith(prefix))) continue;
    result.push(name, kept[i + 1] as string);
  }
  return result;
}

/** Returns the fields of the request for an unbatched call, without `Content-Length`. */
export function singleHeaders(call: OutgoingCall): string[] {
  const headers = ['Host', call.key.authority, ...forwardable(call.headers, notOnSingles)];
  headers.push('Via', `1.1 ${pseudonym}`);
  headers.push(...call.key.forwarded);
  return headers;
}

/**
 * Further fields by which proxies describe the client, in lower case. Only those of trusted peers are forwarded, and
 * only on pass-through requests.
 */
const furtherDescriptions: ReadonlySet<string> = new Set([
  'x-forwarded-port',
  'x-forwarded-server',
  'x-real-ip',
]);

/**
 * Returns the fields of a pass-through request: all end-to-end fields, `Host` for the pool, and `Via`.
 *
 * @param authority see `Destination.authority`
 * @param trusted whether the peer is a trusted proxy, see `listen.trustedProxies`
 * @param httpVersion the version of the client's request, such as `1.1`
 * @param forwarded the description of the client
 */
export function passThroughHeaders(
  headers: RawHeaders,
  authority: string,
  trusted: boolean,
  httpVersion: string,
  forwarded: ForwardedFields,
): string[] {
  const kept = endToEndHeaders(headers, notPassedThrough);
  const result = ['Host', authority];
  for (let i = 0; i < kept.length; i += 2) {
    const name = kept[i] as string;
    const plain = name.toLowerCase();
    const lower = plain.includes('_') ? withHyphens(plain) : plain;
    if (forwardedNames.has(lower) || (!trusted && furtherDescriptions.has(lower))) continue;
    result.push(name, kept[i + 1] as string);
  }
  result.push('Via', `${httpVersion} ${pseudonym}`, ...forwarded);
  return result;
}
