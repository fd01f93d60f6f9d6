/**
 * Encodes calls as the parts of one `multipart/batching` body. The format is that of real clients: a CRLF
 * before the first delimiter, one part header, and a boundary without quotes. `forwarded-headers.ts` of
 * `messages/` creates the head of an unbatched call.
 */
import { InvariantViolation } from '../invariants.ts';
import type { RawHeaders } from '../messages/http-message.ts';
import type { OutgoingCall } from '../messages/outgoing-call.ts';
import { forwardable } from '../messages/forwarded-headers.ts';
import { notInParts, partHeader } from '../ucwa/envelope.ts';

/**
 * Returns the body of a batch, or `undefined` if the boundary occurs in a part.
 *
 * @throws InvariantViolation if a field contains a line break
 */
export function encodeBatch(calls: readonly OutgoingCall[], boundary: string): Buffer | undefined {
  const delimiter = `\r\n--${boundary}`;
  const pieces: Buffer[] = [];
  let text = '';
  let fields = '';
  let fieldsOf: RawHeaders | undefined;
  for (const { method, target, headers, body, key } of calls) {
    // Calls of one client mostly have the same fields.
    if (fieldsOf === undefined || !areSame(fieldsOf, headers)) {
      fields = partFields(headers, key.authority);
      fieldsOf = headers;
      if (fields.includes(boundary)) return undefined;
    }
    if (target.includes(boundary) || body.includes(boundary)) return undefined;
    const length = body.length > 0 ? `Content-Length: ${body.length}\r\n` : '';
    text +=
      `${delimiter}\r\n${partHeader}` + `${method} ${target} HTTP/1.1\r\n${fields}${length}\r\n`;
    if (body.length > 0) {
      pieces.push(Buffer.from(text, 'latin1'), body);
      text = '';
    }
  }
  pieces.push(Buffer.from(`${text}${delimiter}--\r\n`, 'latin1'));
  return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
}

const boundaryDraws = 8;

/**
 * Encodes a batch with the first boundary that occurs in none of its parts.
 *
 * @param nextBoundary returns a new random boundary at each call
 * @throws InvariantViolation if eight boundaries in a row occur in the parts
 */
export function encodeWith(
  nextBoundary: () => string,
  calls: readonly OutgoingCall[],
): { readonly boundary: string; readonly body: Buffer } {
  for (let draw = 0; draw < boundaryDraws; draw += 1) {
    const boundary = nextBoundary();
    const body = encodeBatch(calls, boundary);
    if (body !== undefined) return { boundary, body };
  }
  throw new InvariantViolation('part_edges', 'no boundary was absent from the parts');
}

/** Matches a line break or NUL in a field. Node's parser refuses both; the encoder checks again. */
const breaksLine = /[\r\n\0]/;

/** Returns the fields of a part in wire format, without `Content-Length`. */
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
