/**
 * One part of a batch's answer: part header, status line, fields, body, all of it already cut out
 * of the envelope. Real servers send no lengths at all, so where the part ends is the boundary's
 * word alone; a length that says less is a miscount, one that says more is a part that was cut.
 */
import { headerValue, type RawHeaders } from './http-message.ts';

export interface ResponsePart {
  readonly kind: 'response';
  /** 200 to 599. */
  readonly status: number;
  readonly reason: string;
  readonly headers: RawHeaders;
  /** A view on the bytes that were pushed; copy it before keeping it. */
  readonly body: Buffer;
}

/** A part that cannot be trusted. Its neighbours can: the delimiters around it were whole. */
export interface MalformedPart {
  readonly kind: 'malformed';
  readonly why:
    | 'part_type'
    | 'part_encoding'
    | 'status_line'
    | 'header'
    | 'head_too_large'
    | 'transfer_encoding'
    | 'cut_short';
}

const maxHeadBytes = 16_384;
const maxFields = 100;
/** Of line ends behind a body. */
const maxSurplusBytes = 8;

const statusLine = /^HTTP\/1\.[01] ([2-5][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const fieldName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;

const malformed = (why: MalformedPart['why']): MalformedPart => ({ kind: 'malformed', why });

/** A longer one than any server writes is none; the heads before and behind it fit in the rest. */
const maxStatusLineBytes = 1024;
/** One more, so that what is too long does not look as if it ended there. */
const maxTextBytes = 2 * maxHeadBytes + maxStatusLineBytes + 1;
/** Most parts are read by so much; fields are views on that text and keep it. */
const usualTextBytes = 2048;
const bothHeads = /\n\r?\n[^]*?\n\r?\n/;

const maxKnownFields = 64;
const maxKnownBytes = 256;

interface Field {
  readonly name: string;
  readonly value: string;
}

/** Reads the parts of one answer, most of whose fields are the same in each. */
export class PartReader {
  /** Good fields by their lines. */
  readonly #known = new Map<string, Field>();

  /** The part that stands in these bytes from `start` to `end`. */
  read(bytes: Buffer, start: number, end: number): ResponsePart | MalformedPart {
    const text = textOf(bytes, start, end);
    const partHead = this.#readHead(text, 0);
    if (typeof partHead === 'string') return malformed(partHead);
    const type = headerValue(partHead.headers, 'content-type');
    if (type !== undefined && !/^application\/http[ \t]*(?:;|$)/i.test(type)) {
      return malformed('part_type');
    }
    const encoding = headerValue(partHead.headers, 'content-transfer-encoding');
    if (encoding !== undefined && !/^(?:7bit|8bit|binary)$/i.test(encoding)) {
      return malformed('part_encoding');
    }

    const line = lineAt(text, partHead.end);
    const match = line.next - partHead.end > maxStatusLineBytes ? null : statusLine.exec(line.text);
    if (match === null) return malformed('status_line');
    const head = this.#readHead(text, line.next);
    if (typeof head === 'string') return malformed(head);
    if (headerValue(head.headers, 'transfer-encoding') !== undefined) {
      return malformed('transfer_encoding');
    }
    const status = Number(match[1]);
    const body = measuredBody(bytes.subarray(start + head.end, end), head.headers, status);
    if (body === undefined) return malformed('cut_short');
    return { kind: 'response', status, reason: match[2] ?? '', headers: head.headers, body };
  }

  /** Fields up to the empty line, or to the end of the part, which some writers take for one. */
  #readHead(
    text: string,
    from: number,
  ): { headers: string[]; end: number } | 'header' | 'head_too_large' {
    const headers: string[] = [];
    let at = from;
    while (at < text.length) {
      const line = lineAt(text, at);
      if (line.next - from > maxHeadBytes) return 'head_too_large';
      at = line.next;
      if (line.text === '') break;
      if (line.text.startsWith(' ') || line.text.startsWith('\t')) {
        // A folded line continues the value before it (RFC 9112 section 5.2).
        if (headers.length === 0 || !fieldValue.test(line.text)) return 'header';
        headers.push(`${headers.pop() ?? ''} ${line.text.trim()}`);
        continue;
      }
      const field = this.#field(line.text);
      if (field === undefined) return 'header';
      if (headers.length >= maxFields * 2) return 'head_too_large';
      headers.push(field.name, field.value);
    }
    return { headers, end: at };
  }

  /** `undefined`: no legal field. */
  #field(line: string): Field | undefined {
    const known = this.#known.get(line);
    if (known !== undefined) return known;
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trimEnd();
    const value = line.slice(colon + 1).trim();
    if (colon === -1 || !fieldName.test(name) || !fieldValue.test(value)) return undefined;
    const field = { name, value };
    const isKept = line.length <= maxKnownBytes && this.#known.size < maxKnownFields;
    if (isKept) this.#known.set(line, field);
    return field;
  }
}

/** Cuts off a surplus line end when the part's own length says so; `undefined`: bytes are missing. */
function measuredBody(bytes: Buffer, headers: RawHeaders, status: number): Buffer | undefined {
  // Both say how long a body would be, and have none (RFC 9110 section 8.6).
  if (status === 204 || status === 304) return bytes.subarray(0, 0);
  const declared = headerValue(headers, 'content-length');
  if (declared === undefined || !/^[0-9]{1,15}$/.test(declared)) return bytes;
  const length = Number(declared);
  if (length > bytes.length) return undefined;
  const surplus = bytes.length - length;
  return surplus <= maxSurplusBytes && /^(?:\r?\n)*$/.test(bytes.toString('latin1', length))
    ? bytes.subarray(0, length)
    : bytes;
}

/** As much as both heads and the status line between them may take; less where that is enough. */
function textOf(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('latin1', start, Math.min(end, start + usualTextBytes));
  return end - start <= usualTextBytes || bothHeads.test(text)
    ? text
    : bytes.toString('latin1', start, Math.min(end, start + maxTextBytes));
}

/** The line that starts at `from`, and where the next one starts. */
function lineAt(text: string, from: number): { text: string; next: number } {
  const feed = text.indexOf('\n', from);
  if (feed === -1) return { text: text.slice(from), next: text.length };
  const end = feed > from && text.charCodeAt(feed - 1) === 0x0d ? feed - 1 : feed;
  return { text: text.slice(from, end), next: feed + 1 };
}
