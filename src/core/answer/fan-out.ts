/**
 * A part becomes the answer that its caller would have had without us: the part's own status,
 * fields and bytes, and from the envelope what every direct answer says of the server.
 */
import { endToEndHeaders, fieldLines, headerValue, type RawHeaders } from '../wire/http-message.ts';
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

/** The answers to the callers of one batch, whose parts mostly have the same fields. */
export class PartReplies {
  /** What the envelope says for all parts. */
  readonly #shared: string[] = [];
  /** Fields of the part before, and what became of them. */
  #partHeaders: RawHeaders | undefined;
  #headers: RawHeaders = [];
  #lines: string | undefined;

  constructor(envelope: RawHeaders) {
    for (let i = 0; i < envelope.length; i += 2) {
      const name = envelope[i] as string;
      if (fromEnvelope.has(name.toLowerCase())) this.#shared.push(name, envelope[i + 1] as string);
    }
  }

  /** `asked`: the call at the part's position. */
  of(part: ResponsePart, asked: Asked): Reply {
    if (part.headers !== this.#partHeaders) {
      this.#partHeaders = part.headers;
      this.#headers = this.#completed(part.headers);
      const isDated = headerValue(this.#headers, 'date') !== undefined;
      this.#lines = isDated ? fieldLines(this.#headers) : undefined;
    }
    return {
      status: part.status,
      reason: part.reason,
      headers: this.#headers,
      lines: this.#lines,
      body: withoutByteOrderMark(part),
      asked,
    };
  }

  #completed(partHeaders: RawHeaders): string[] {
    const headers = endToEndHeaders(partHeaders, ownLength);
    for (let i = 0; i < this.#shared.length; i += 2) {
      const name = this.#shared[i] as string;
      if (headerValue(partHeaders, name.toLowerCase()) === undefined) {
        headers.push(name, this.#shared[i + 1] as string);
      }
    }
    return headers;
  }
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
  return { status, reason, headers: endToEndHeaders(envelope, ownLength), body };
}
