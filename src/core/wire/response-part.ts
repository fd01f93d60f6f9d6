/**
 * Reads one part of a batch response: the header of the part, the status line, the fields and the body. The
 * multipart parser has already found the bytes of the part. Real servers send no `Content-Length` in parts. If
 * a part has a length that is too small, the length is wrong. If the length is too large, the part is
 * incomplete.
 */
import { headerValue, type RawHeaders } from '../messages/http-message.ts';
import { partType } from '../ucwa/envelope.ts';

/** The response to one call of a batch. */
export interface ResponsePart {
  readonly kind: 'response';
  /** 200 to 599. */
  readonly status: number;
  readonly reason: string;
  readonly headers: RawHeaders;
  /** A view of the parsed bytes. Copy it before you keep it. */
  readonly body: Buffer;
}

/**
 * A part that is no legal HTTP response. The delimiters around it were complete, so the other parts are
 * reliable.
 */
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
/** The longest line ends behind a body that are removed. */
const maxSurplusBytes = 8;

const statusLine = /^HTTP\/1\.[01] ([2-5][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const fieldName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;

const nothing = Buffer.alloc(0);

const malformed = (why: MalformedPart['why']): MalformedPart => ({ kind: 'malformed', why });

/** A limit that no real status line reaches. */
const maxStatusLineBytes = 1024;
/**
 * The limit of all heads together, and one byte more, so that a head that is too long does not seem to end
 * there.
 */
const maxTextBytes = 2 * maxHeadBytes + maxStatusLineBytes + 1;
/** Enough text for the heads of most parts. The strings of the fields keep this text in memory. */
const usualTextBytes = 2048;
const bothHeads = /\n\r?\n[^]*?\n\r?\n/;

const maxKnownFields = 64;
const maxKnownBytes = 256;

interface Field {
  readonly name: string;
  readonly value: string;
}

/** The legal heads of a part. */
interface Heads {
  readonly status: number;
  readonly reason: string;
  readonly headers: RawHeaders;
  /** The `Content-Length` of the part, in bytes. */
  readonly bodyBytes: number | undefined;
  /** The offset of the body from the start of the part, in bytes. */
  readonly end: number;
}

/** Reads the parts of one batch response. Most parts have the same heads or fields, so the reader caches both. */
export class PartReader {
  /** Legal fields by their lines. */
  readonly #known = new Map<string, Field>();
  /** The heads of the previous part. `#headsBytes` is empty if the heads did not end in an empty line. */
  #heads: Heads | undefined;
  #headsBytes: Buffer = nothing;

  /** Reads the part in `bytes` from `start` to `end`. */
  read(bytes: Buffer, start: number, end: number): ResponsePart | MalformedPart {
    const heads = this.#sameHeads(bytes, start, end) ?? this.#readHeads(bytes, start, end);
    if (typeof heads === 'string') return malformed(heads);
    const { status, reason, headers } = heads;
    const body = measuredBody(bytes.subarray(start + heads.end, end), heads);
    if (body === undefined) return malformed('cut_short');
    return { kind: 'response', status, reason, headers, body };
  }

  /** Returns the heads of the previous part if this part begins with the same bytes. */
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
    // Heads without an empty line ended with the part. In another part, more fields may follow the same bytes.
    this.#headsBytes = text.startsWith('\r\n\r\n', headsEnd - 4)
      ? bytes.subarray(start, start + headsEnd)
      : nothing;
    return heads;
  }

  /** Reads fields up to an empty line, or to the end of the part, because some servers omit the empty line. */
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
        // A folded line continues the previous value (RFC 9112 section 5.2).
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

  /** Returns the field in a line, or `undefined` if the field is illegal. */
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

/**
 * Returns the body of a part, without line ends behind its `Content-Length`. Returns `undefined` if the body is
 * shorter than its length.
 */
function measuredBody(bytes: Buffer, { status, bodyBytes }: Heads): Buffer | undefined {
  // 204 and 304 have no body, even with a length (RFC 9110 section 8.6). A 205 must have none (section
  // 15.3.6), and not all clients would read one.
  if (status === 204 || status === 304 || status === 205) return bytes.subarray(0, 0);
  if (bodyBytes === undefined) return bytes;
  if (bodyBytes > bytes.length) return undefined;
  const surplus = bytes.length - bodyBytes;
  return surplus <= maxSurplusBytes && /^(?:\r?\n)*$/.test(bytes.toString('latin1', bodyBytes))
    ? bytes.subarray(0, bodyBytes)
    : bytes;
}

/** Returns the text of the heads of a part, and usually some of the body. */
function textOf(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('latin1', start, Math.min(end, start + usualTextBytes));
  return end - start <= usualTextBytes || bothHeads.test(text)
    ? text
    : bytes.toString('latin1', start, Math.min(end, start + maxTextBytes));
}

/**
 * Returns the line that starts at `from`, and the start of the next line. A bare line feed stays in the line,
 * which makes the line illegal, because servers read bare line feeds differently (RFC 9112 section 2.2).
 */
function lineAt(text: string, from: number): { text: string; next: number } {
  const feed = text.indexOf('\n', from);
  if (feed === -1) return { text: text.slice(from), next: text.length };
  const end = feed > from && text.charCodeAt(feed - 1) === 0x0d ? feed - 1 : feed + 1;
  return { text: text.slice(from, end), next: feed + 1 };
}

/**
 * Returns the text without leading and trailing blanks and tabs (RFC 9110 section 5.6.3). `trim` would remove
 * more characters, for example the byte A0, which is half of an `à` in UTF-8.
 */
function withoutBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;
