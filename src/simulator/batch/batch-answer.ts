/**
 * Writes the answer to a batch as real servers do (captures of 2013 and 2015). There is no preamble.
 * `Content-Type` is the only field of a part. The embedded message has a status line and few fields,
 * and no length. A byte order mark precedes the first JSON body, as in Microsoft's own samples.
 */
import { STATUS_CODES } from 'node:http';
import type { Answer } from '../representation/answer.ts';
import { type Fault, faultOf } from '../faults/fault.ts';
import { type FlatHeaders, headerValue } from '../representation/headers.ts';

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/** The answer of one part, with the header fields that a fault script adds. */
export interface PartAnswer {
  readonly answer: Answer;
  readonly moreHeaders: FlatHeaders;
}

/**
 * Writes one batch answer in pieces: first `begin`, then `part` for each part in order. A delimiter is
 * in the piece of the part that it ends, so that a reader of a streamed answer sees the end at once.
 */
export class BatchAnswerWriter {
  readonly contentType: string;
  readonly #boundary: string;
  readonly #faults: readonly Fault[];
  readonly #eol: string;
  #marked = false;

  /**
   * @param boundary new for each answer
   * @param faults faults of the request; those that change the form of the answer take effect
   */
  constructor(boundary: string, faults: readonly Fault[]) {
    this.contentType = faultOf(faults, 'noBoundary')
      ? 'multipart/batching'
      : `multipart/batching; boundary="${boundary}"`;
    this.#boundary = boundary;
    this.#faults = faults;
    this.#eol = faultOf(faults, 'bareLf') ? '\n' : '\r\n';
  }

  begin(): Buffer {
    return Buffer.from(`--${this.#boundary}${this.#eol}`);
  }

  /** Returns the part at `index`, followed by its delimiter, or the close delimiter if `isLast`. */
  part({ answer, moreHeaders }: PartAnswer, index: number, isLast: boolean): Buffer {
    const eol = this.#eol;
    const malformed = faultOf(this.#faults, 'malformedPart');
    const message =
      malformed?.index === index
        ? Buffer.from(malformed.message ?? 'this is not an HTTP message')
        : this.#message(answer, moreHeaders);
    return Buffer.concat([
      Buffer.from(`Content-Type: application/http; msgtype=response${eol}${eol}`),
      message,
      Buffer.from(isLast ? this.#end() : `${eol}--${this.#boundary}${eol}`),
    ]);
  }

  #end(): string {
    const omission = faultOf(this.#faults, 'noCloseDelimiter');
    if (omission && !omission.bare) return this.#eol;
    return `${this.#eol}--${this.#boundary}${omission ? '' : '--'}${this.#eol}`;
  }

  #message({ status, headers, body }: Answer, moreHeaders: FlatHeaders): Buffer {
    const eol = this.#eol;
    const fields = [...headers, ...moreHeaders];
    const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}`];
    for (let i = 0; i < fields.length; i += 2) lines.push(`${fields[i]}: ${fields[i + 1]}`);
    const isFirstJson =
      !this.#marked && body.length > 0 && /json/i.test(headerValue(headers, 'content-type') ?? '');
    if (isFirstJson) this.#marked = true;
    return Buffer.concat([
      Buffer.from(lines.join(eol) + eol + eol),
      ...(isFirstJson ? [byteOrderMark] : []),
      body,
    ]);
  }
}

/** Returns the parts in the order and number that the faults demand. */
export function rearranged(parts: readonly PartAnswer[], faults: readonly Fault[]): PartAnswer[] {
  const permutation = faultOf(faults, 'permute');
  const fewer = faultOf(faults, 'fewerParts')?.count ?? 0;
  const more = faultOf(faults, 'moreParts')?.count ?? 0;
  const order = permutation?.order ?? [...parts.keys()].reverse();
  const arranged = permutation ? order.flatMap((i) => parts[i] ?? []) : parts;
  const kept = arranged.slice(0, Math.max(0, arranged.length - fewer));
  return [...kept, ...Array.from({ length: more }, () => arranged.slice(-1)).flat()];
}
