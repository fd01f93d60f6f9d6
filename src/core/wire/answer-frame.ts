/**
 * Where an answer ends in the bytes of its connection (RFC 9112 section 6). Node's parser tells that an
 * answer is whole, not whether bytes came behind it. The bytes are counted here, so that surplus does not
 * become the beginning of the next answer on the connection. When in doubt, the answer is not exact.
 */
const headEnd = Buffer.from('\r\n\r\n');
const cr = 0x0d;
const lf = 0x0a;

/** How the head of an answer says that its body ends. */
export interface Framing {
  /** The answer has no body, whatever its fields say: to HEAD, 204, 304. */
  readonly bodiless: boolean;
  readonly contentLength: string | undefined;
  readonly transferEncoding: string | undefined;
}

/** Counts the bytes of one answer, of interim answers (1xx) before it too. */
export class AnswerFrame {
  /** Bytes that came so far. */
  #bytes = 0;
  /** Bytes up to the end of the last head, interim ones included. */
  #headBytes: number | undefined;
  /** The end of what came before, while a head is looked for: its status line is needed whole. */
  #pending: Buffer = Buffer.alloc(0);
  /** The last four bytes that came. */
  #tail: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): void {
    if (this.#headBytes === undefined) this.#findHead(chunk);
    this.#bytes += chunk.length;
    this.#tail =
      chunk.length >= headEnd.length
        ? chunk.subarray(-headEnd.length)
        : Buffer.concat([this.#tail, chunk]).subarray(-headEnd.length);
  }

  /**
   * Whether what came is one answer and nothing else, once the parser has found the answer whole. Of
   * an answer in chunks only the end is looked at: the parser refuses all that may follow it but
   * a whole answer, which it refuses as the second one, and line ends.
   */
  isExact({ bodiless, contentLength, transferEncoding }: Framing): boolean {
    if (this.#headBytes === undefined) return false;
    if (bodiless) return this.#bytes === this.#headBytes;
    if (transferEncoding !== undefined) return endsALine(this.#tail);
    if (contentLength === undefined) return false;
    return this.#bytes === this.#headBytes + Number(contentLength);
  }

  #findHead(chunk: Buffer): void {
    let bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    let from = this.#bytes - this.#pending.length;
    for (;;) {
      const end = bytes.indexOf(headEnd);
      if (end === -1) break;
      const length = end + headEnd.length;
      from += length;
      if (!isInterim(bytes)) {
        this.#headBytes = from;
        this.#pending = bytes.subarray(0, 0);
        return;
      }
      bytes = bytes.subarray(length);
    }
    this.#pending = Buffer.from(bytes);
  }
}

/** `HTTP/1.1 1xx`; what is no status line at all the parser refuses. */
function isInterim(head: Buffer): boolean {
  return head[9] === 0x31;
}

function endsALine(tail: Buffer): boolean {
  return tail.length === 4 && tail[0] === cr && tail[1] === lf && tail[2] === cr && tail[3] === lf;
}
