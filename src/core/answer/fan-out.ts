/**
 * A part becomes the answer that its caller would have had without us: the part's own status,
 * fields and bytes, and from the envelope what every direct answer says of the server.
 */
import {
  endToEndHeaders,
  fieldLines,
  headerValue,
  type RawHeaders,
} from '../messages/http-message.ts';
import type { ResponsePart } from '../wire/response-part.ts';
import type { Asked, Reply } from '../messages/reply.ts';
import { fromEnvelope } from '../ucwa/envelope.ts';

const ownLength = new Set(['content-length']);

/** The answers to the callers of one batch, whose parts mostly have the same fields. */
export class PartReplies {
  /** What the envelope says for all parts. */
  readonly #shared: string[] = [];
  /** Of the part before, and what became of it. */
  #part: ResponsePart | undefined;
  #headers: RawHeaders = [];
  #head: Buffer | undefined;

  constructor(envelope: RawHeaders) {
    for (let i = 0; i < envelope.length; i += 2) {
      const name = envelope[i] as string;
      if (fromEnvelope.has(name.toLowerCase())) this.#shared.push(name, envelope[i + 1] as string);
    }
  }

  /** `asked`: the call at the part's position. */
  of(part: ResponsePart, asked: Asked): Reply {
    const { status, reason } = part;
    const before = this.#part;
    this.#part = part;
    if (before?.headers !== part.headers) this.#headers = this.#completed(part.headers);
    if (before?.headers !== part.headers || before.status !== status || before.reason !== reason) {
      this.#head = headOf(status, reason, this.#headers);
    }
    return {
      status,
      reason,
      headers: this.#headers,
      head: this.#head,
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

/** `undefined`: somebody else has to put something in. */
function headOf(status: number, reason: string, headers: RawHeaders): Buffer | undefined {
  if (reason === '' || headerValue(headers, 'date') === undefined) return undefined;
  const lines = fieldLines(headers);
  return lines === undefined
    ? undefined
    : Buffer.from(`HTTP/1.1 ${status} ${reason}\r\n${lines}`, 'latin1');
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
