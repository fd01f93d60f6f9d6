/**
 * Turns a part of a batch response into the response that its caller would get without the proxy. Status,
 * fields and body are those of the part. The envelope adds the fields that each direct response of the pool
 * has.
 */
import {
  endToEndHeaders,
  fieldLines,
  headerValue,
  type RawHeaders,
} from '../messages/http-message.ts';
import type { ResponsePart } from '../wire/response-part.ts';
import type { Asked, Reply } from '../messages/reply.ts';
import { lacksShared, sharedValue } from '../ucwa/envelope.ts';

const ownLength = new Set(['content-length']);

/**
 * Creates the responses to the calls of one batch. The parts of one batch mostly have the same fields, so a
 * part reuses the encoded head of the previous part.
 */
export class PartReplies {
  /** The fields of the envelope for all parts. */
  readonly #shared: string[] = [];
  readonly #wasCoded: boolean;
  /** The previous part, and the fields and the encoded head of its response. */
  #part: ResponsePart | undefined;
  #headers: RawHeaders = [];
  #head: Buffer | undefined;

  /** @param envelope the fields of the batch response itself */
  constructor(envelope: RawHeaders) {
    this.#wasCoded = headerValue(envelope, 'content-encoding') !== undefined;
    for (let i = 0; i < envelope.length; i += 2) {
      const name = envelope[i] as string;
      const value = sharedValue(name, envelope[i + 1] as string);
      if (value !== undefined) this.#shared.push(name, value);
    }
  }

  /**
   * Returns the response that a part stands for.
   *
   * @param asked the call at the position of the part in the batch
   */
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
      wasCoded: this.#wasCoded,
    };
  }

  #completed(partHeaders: RawHeaders): string[] {
    const headers = endToEndHeaders(partHeaders, ownLength);
    for (let i = 0; i < this.#shared.length; i += 2) {
      const name = this.#shared[i] as string;
      if (lacksShared(name, partHeaders)) headers.push(name, this.#shared[i + 1] as string);
    }
    return headers;
  }
}

/**
 * Encodes a head. Returns `undefined` if Node has to add the reason phrase or the date, or to refuse an illegal
 * field.
 */
export function headOf(status: number, reason: string, headers: RawHeaders): Buffer | undefined {
  if (reason === '' || headerValue(headers, 'date') === undefined) return undefined;
  const lines = fieldLines(headers);
  return lines === undefined
    ? undefined
    : Buffer.from(`HTTP/1.1 ${status} ${reason}\r\n${lines}`, 'latin1');
}

/**
 * Returns the body of a part without a byte order mark before JSON or XML. Some pools send the mark in parts,
 * but not in direct responses.
 */
function withoutByteOrderMark(part: ResponsePart): Buffer {
  const { body } = part;
  if (body.length < 3 || body[0] !== 0xef || body[1] !== 0xbb || body[2] !== 0xbf) return body;
  const type = headerValue(part.headers, 'content-type') ?? '';
  return /[/+](?:json|xml)[ \t]*(?:;|$)/i.test(type) ? body.subarray(3) : body;
}

/**
 * Returns a response of the pool, without its hop-by-hop fields, for all callers of a batch or of identical
 * calls.
 */
export function relayedReply(
  status: number,
  reason: string,
  envelope: RawHeaders,
  body: Buffer,
): Reply {
  return { status, reason, headers: endToEndHeaders(envelope, ownLength), body };
}
