/**
 * Where an answer ends in the bytes of its connection (RFC 9112 section 6). Node's parser tells that an
 * answer is whole, not whether bytes came behind it. The bytes are counted here, so that surplus does not
 * become the beginning of the next answer on the connection. When in doubt, the answer is not exact.
 */
const headEnd = Buffer.from('\r\n\r\n');
const nothing = Buffer.alloc(0);
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
  /** The head as far as it has come. */
  #pending: Buffer = nothing;
  /** The last four bytes that came. */
  #tail: Buffer = nothing;

  push(chunk: Buffer): void {
    if (this.#headBytes === undefined) this.#findHead(chunk);
    this.#bytes += chunk.length;
    this.#tail =
      chunk.length >= headEnd.length
        ? Buffer.from(chunk.subarray(-headEnd.length))
        : Buffer.concat([this.#tail, chunk]).subarray(-headEnd.length);
  }

  /**
   * Whether what came is one answer and nothing else, once the parser has found the answer whole. Behind the
   * last chunk the parser refuses all bytes but line ends and a second answer, which it refuses by
   * itself. So it is enough to see that an answer in chunks ends in an empty line.
   */
  isExact({ bodiless, contentLength, transferEncoding }: Framing): boolean {
    if (this.#headBytes === undefined) return false;
    if (bodiless) return this.#bytes === this.#headBytes;
    if (transferEncoding !== undefined) return this.#tail.equals(headEnd);
    if (contentLength === undefined) return false;
    return this.#bytes === this.#headBytes + Number(contentLength);
  }

  #findHead(chunk: Buffer): void {
    let bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    let from = this.#bytes - this.#pending.length;
    for (;;) {
      // Line ends before a status line are skipped by the parser, too (RFC 9112 section 2.2).
      for (; bytes[0] === cr || bytes[0] === lf; from += 1) bytes = bytes.subarray(1);
      const end = bytes.indexOf(headEnd);
      if (end === -1) break;
      const length = end + headEnd.length;
      from += length;
      if (!isInterim(bytes)) {
        this.#headBytes = from;
        this.#pending = nothing;
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
