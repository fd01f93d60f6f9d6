/**
 * One part of a batch's answer: part header, status line, fields, body, all of it already cut out
 * of the envelope. Real servers send no lengths at all, so where the part ends is the boundary's
 * word alone; a length that says less is a miscount, one that says more is a part that was cut.
 */
import { headerValue, type RawHeaders } from '../messages/http-message.ts';
import { partType } from '../ucwa/envelope.ts';

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

const nothing = Buffer.alloc(0);

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

/** What stands before the body of a part that may be trusted so far. */
interface Heads {
  readonly status: number;
  readonly reason: string;
  readonly headers: RawHeaders;
  /** What the part says of its length itself. */
  readonly bodyBytes: number | undefined;
  /** Where the body begins. */
  readonly end: number;
}

/** Reads the parts of one answer, which mostly begin alike: with the same heads, or the same fields. */
export class PartReader {
  /** Good fields by their lines. */
  readonly #known = new Map<string, Field>();
  /** Of the part before, if they ended where every reader would end them. */
  #heads: Heads | undefined;
  #headsBytes: Buffer = nothing;

  /** The part that stands in these bytes from `start` to `end`. */
  read(bytes: Buffer, start: number, end: number): ResponsePart | MalformedPart {
    const heads = this.#sameHeads(bytes, start, end) ?? this.#readHeads(bytes, start, end);
    if (typeof heads === 'string') return malformed(heads);
    const { status, reason, headers } = heads;
    const body = measuredBody(bytes.subarray(start + heads.end, end), heads);
    if (body === undefined) return malformed('cut_short');
    return { kind: 'response', status, reason, headers, body };
  }

  /** Those of the part before, if this one begins with the same bytes. */
  #sameHeads(bytes: Buffer, start: number, end: number): Heads | undefined {
    const { length } = this.#headsBytes;
    if (length === 0 || length > end - start) return undefined;
    return bytes.compare(this.#headsBytes, 0, length, start, start + length) === 0
      ? this.#heads
      : undefined;
  }

  #readHeads(bytes: Buffer, start: number, end: number): Heads | MalformedPart['why'] {
    const text = textOf(bytes, start, end);
    const partHead = this.#readHead(text, 0);
    if (typeof partHead === 'string') return partHead;
    const type = headerValue(partHead.headers, 'content-type');
    if (type !== undefined && !partType.test(type)) return 'part_type';
    const encoding = headerValue(partHead.headers, 'content-transfer-encoding');
    if (encoding !== undefined && !/^(?:7bit|8bit|binary)$/i.test(encoding)) return 'part_encoding';

    const line = lineAt(text, partHead.end);
    const match = line.next - partHead.end > maxStatusLineBytes ? null : statusLine.exec(line.text);
    if (match === null) return 'status_line';
    const head = this.#readHead(text, line.next);
    if (typeof head === 'string') return head;
    const { headers, end: headsEnd } = head;
    if (headerValue(headers, 'transfer-encoding') !== undefined) return 'transfer_encoding';
    const declared = headerValue(headers, 'content-length');
    const isLength = declared !== undefined && /^[0-9]{1,15}$/.test(declared);
    const heads: Heads = {
      status: Number(match[1]),
      reason: match[2] ?? '',
      headers,
      bodyBytes: isLength ? Number(declared) : undefined,
      end: headsEnd,
    };
    this.#heads = heads;
    // Ended by the end of the part, the same bytes may be followed by more fields the next time.
    this.#headsBytes = text.startsWith('\r\n\r\n', headsEnd - 4)
      ? bytes.subarray(start, start + headsEnd)
      : nothing;
    return heads;
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
        headers.push(`${headers.pop() ?? ''} ${withoutBlanks(line.text)}`);
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
    const name = withoutBlanks(line.slice(0, colon));
    const value = withoutBlanks(line.slice(colon + 1));
    if (colon === -1 || !fieldName.test(name) || !fieldValue.test(value)) return undefined;
    const field = { name, value };
    const isKept = line.length <= maxKnownBytes && this.#known.size < maxKnownFields;
    if (isKept) this.#known.set(line, field);
    return field;
  }
}

/** Cuts off a surplus line end when the part's own length says so; `undefined`: bytes are missing. */
function measuredBody(bytes: Buffer, { status, bodyBytes }: Heads): Buffer | undefined {
  // Two may say how long a body would be, and have none (RFC 9110 section 8.6). Readers disagree
  // about the body of a 205, which must have none (section 15.3.6).
  if (status === 204 || status === 304 || status === 205) return bytes.subarray(0, 0);
  if (bodyBytes === undefined) return bytes;
  if (bodyBytes > bytes.length) return undefined;
  const surplus = bytes.length - bodyBytes;
  return surplus <= maxSurplusBytes && /^(?:\r?\n)*$/.test(bytes.toString('latin1', bodyBytes))
    ? bytes.subarray(0, bodyBytes)
    : bytes;
}

/** As much as both heads and the status line between them may take; less where that is enough. */
function textOf(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('latin1', start, Math.min(end, start + usualTextBytes));
  return end - start <= usualTextBytes || bothHeads.test(text)
    ? text
    : bytes.toString('latin1', start, Math.min(end, start + maxTextBytes));
}

/**
 * The line that starts at `from`, and where the next one starts. A line that ends in a bare line feed
 * keeps it, and is then no legal line: readers disagree about such heads (RFC 9112 section 2.2).
 */
function lineAt(text: string, from: number): { text: string; next: number } {
  const feed = text.indexOf('\n', from);
  if (feed === -1) return { text: text.slice(from), next: text.length };
  const end = feed > from && text.charCodeAt(feed - 1) === 0x0d ? feed - 1 : feed + 1;
  return { text: text.slice(from, end), next: feed + 1 };
}

/**
 * Without the blanks around it (RFC 9110 section 5.6.3). `trim` takes more for blanks, half a letter of
 * UTF-8 among them.
 */
function withoutBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;
