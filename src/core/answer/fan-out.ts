/**
 * A part becomes the answer that its caller would have had without us: the part's own status,
 * fields and bytes, and from the envelope what every direct answer says of the server.
 */
import { endToEndHeaders, headerValue, type RawHeaders } from '../wire/http-message.ts';
import type { ResponsePart } from '../wire/response-part.ts';
import type { Asked, Reply } from './reply.ts';

/** Said by the envelope for all its parts, lower case. */
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
]);

const ownLength = new Set(['content-length']);

/** What the envelope of one answer gives to each of its parts. Made once a batch. */
export function sharedHeaders(envelope: RawHeaders): string[] {
  const shared: string[] = [];
  for (let i = 0; i < envelope.length; i += 2) {
    const name = envelope[i] as string;
    if (fromEnvelope.has(name.toLowerCase())) shared.push(name, envelope[i + 1] as string);
  }
  return shared;
}

/** `shared` comes from `sharedHeaders`; `asked`: the call at the part's position. */
export function replyFromPart(part: ResponsePart, shared: RawHeaders, asked: Asked): Reply {
  const headers = endToEndHeaders(part.headers, ownLength);
  const body = withoutByteOrderMark(part);
  for (let i = 0; i < shared.length; i += 2) {
    const name = shared[i] as string;
    if (headerValue(part.headers, name.toLowerCase()) === undefined) {
      headers.push(name, shared[i + 1] as string);
    }
  }
  if (part.status !== 204 && part.status !== 304) {
    headers.push('Content-Length', String(body.length));
  }
  return { status: part.status, reason: part.reason, headers, body, asked };
}

/** Some servers put one before the body of a part, and none before that of a direct answer. */
function withoutByteOrderMark(part: ResponsePart): Buffer {
  const { body } = part;
  if (body.length < 3 || body[0] !== 0xef || body[1] !== 0xbb || body[2] !== 0xbf) return body;
  const type = headerValue(part.headers, 'content-type') ?? '';
  return /[/+](?:json|xml)[ \t]*(?:;|$)/i.test(type) ? body.subarray(3) : body;
}

/** An answer that several callers get as it came: a refused batch's, or that of identical calls. */
export function relayedReply(
  status: number,
  reason: string,
  envelope: RawHeaders,
  body: Buffer,
): Reply {
  const headers = endToEndHeaders(envelope, ownLength);
  if (status !== 204 && status !== 304) headers.push('Content-Length', String(body.length));
  return { status, reason, headers, body };
}
