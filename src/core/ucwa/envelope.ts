/**
 * The form of a batch request of UCWA and of its response: the target, the fields of the envelope, the header
 * of a part, and the media types. The envelope carries the credentials and the description of the client for
 * all parts.
 */
import { endToEndHeaders, headerValue, type RawHeaders } from '../messages/http-message.ts';
import type { OutgoingCall } from '../messages/outgoing-call.ts';
import { neverForwarded, pseudonym } from '../messages/forwarded-headers.ts';
import type { BatchKey } from './batch-key.ts';

/** Fields that are left out of parts, in lower case. The envelope has the credentials for all parts. */
export const notInParts: ReadonlySet<string> = new Set([
  ...neverForwarded,
  'via',
  'authorization',
  'x-ms-webticket',
  'cookie',
  'accept-encoding',
]);

/** Fields that describe the client, in lower case. The envelope takes them from its oldest call. */
const fromOldestCall = [
  'user-agent',
  'referer',
  'x-requested-with',
  'accept-language',
  'x-ms-namespace',
];
const fromOldestCallByPrefix = 'x-ms-sdk-';

/** The header of each part of a batch request, with the empty line at its end. */
export const partHeader = 'Content-Type: application/http; msgtype=request\r\n\r\n';

/** Matches the media type of each part of a batch response. */
export const partType = /^application\/http[ \t]*(?:;|$)/i;

/** Returns the target of the batch resource of an application. */
export function batchTarget({ applicationPath }: BatchKey): string {
  return `${applicationPath}/batch`;
}

/**
 * Returns the fields of the envelope of a batch, without `Content-Length`.
 *
 * @param oldest the oldest call of the batch
 * @param boundary see `encodeWith`
 */
export function envelopeHeaders(oldest: OutgoingCall, boundary: string): string[] {
  const { key } = oldest;
  const headers = ['Host', key.authority, 'Accept', 'multipart/batching'];
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
  headers.push('Accept-Encoding', 'gzip', 'Via', `1.1 ${pseudonym}`, ...key.forwarded);
  return headers;
}

/** Fields that the envelope of a batch response carries for all its parts, in lower case. */
const fromEnvelope = new Set([
  'date',
  'server',
  'expires',
  'pragma',
  'x-ms-server-fqdn',
  'strict-transport-security',
  'x-aspnet-version',
  'x-powered-by',
  'via',
  'set-cookie',
  'timing-allow-origin',
]);

/** Fields by which a pool answers cross-origin requests (Fetch Standard, section 3.3). */
const crossOrigin = 'access-control-';
const variesByOrigin = /(?:^|,)[ \t]*(?:origin|\*)[ \t]*(?:,|$)/i;

/**
 * Returns the value of an envelope field for the responses to all calls of the batch, or `undefined` if the
 * field belongs to the envelope only. A batch has calls of one origin, so its cross-origin fields are right for
 * each call. `Vary` is shared as `Origin` only, because parts are not encoded.
 */
export function sharedValue(name: string, value: string): string | undefined {
  const lower = name.toLowerCase();
  if (lower === 'vary') return variesByOrigin.test(value) ? 'Origin' : undefined;
  return fromEnvelope.has(lower) || lower.startsWith(crossOrigin) ? value : undefined;
}

/** Whether a part lacks a shared field. A part with an `Access-Control-Allow-Origin` decides on its whole group. */
export function lacksShared(name: string, partHeaders: RawHeaders): boolean {
  const lower = name.toLowerCase();
  const decides = lower.startsWith(crossOrigin) ? `${crossOrigin}allow-origin` : lower;
  const own = headerValue(partHeaders, decides);
  return own === undefined || (lower === 'vary' && !variesByOrigin.test(own));
}
