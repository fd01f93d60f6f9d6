/**
 * Writes the answer to a batch in the form that real servers give it (captures of 2013 and 2015):
 * no preamble; `Content-Type` the only field of a part; the embedded message with its status line
 * and few fields, without any length; and, as in Microsoft's own samples, a byte order mark before
 * the first JSON body.
 */
import { STATUS_CODES } from 'node:http';
import type { Answer } from '../representation/answer.ts';
import { type Fault, faultOf } from '../faults/fault.ts';
import { type FlatHeaders, headerValue } from '../representation/headers.ts';

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/** The answer of one part, with what a fault script adds to its head. */
export interface PartAnswer {
  readonly answer: Answer;
  readonly moreHeaders: FlatHeaders;
}

/**
 * Writes one batch answer, piece by piece: `begin`, `part` for each, in order. A delimiter is
 * written with the part that it ends, so that a reader of a streamed answer knows of the end.
 */
export class BatchAnswerWriter {
  readonly contentType: string;
  readonly #boundary: string;
  readonly #faults: readonly Fault[];
  readonly #eol: string;
  #marked = false;

  /** `boundary`: fresh for each answer. `faults`: those of a wrongly built batch have effect. */
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

  /** The part that stands at `index`, the last one if `isLast`. */
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

/** The parts in the order and number in which a fault script wants them. */
export function misarranged(parts: readonly PartAnswer[], faults: readonly Fault[]): PartAnswer[] {
  const permutation = faultOf(faults, 'permute');
  const fewer = faultOf(faults, 'fewerParts')?.count ?? 0;
  const more = faultOf(faults, 'moreParts')?.count ?? 0;
  const order = permutation?.order ?? [...parts.keys()].reverse();
  const arranged = permutation ? order.flatMap((i) => parts[i] ?? []) : parts;
  const kept = arranged.slice(0, Math.max(0, arranged.length - fewer));
  return [...kept, ...Array.from({ length: more }, () => arranged.slice(-1)).flat()];
}
