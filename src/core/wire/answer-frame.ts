/**
 * Finds bytes that follow a response on its connection (RFC 9112 section 6). Node's parser reports the end of a
 * response, but not whether further bytes arrived. The proxy must not read surplus bytes as the start of the next
 * response. So this class counts the bytes of the connection. In doubt, a response is not exact.
 */
const headEnd = Buffer.from('\r\n\r\n');
const nothing = Buffer.alloc(0);
const cr = 0x0d;
const lf = 0x0a;

/** The fields of a response that determine the length of its body. */
export interface Framing {
  /** Whether the response never has a body: a response to HEAD, a 204 or a 304. */
  readonly bodiless: boolean;
  readonly contentLength: string | undefined;
  readonly transferEncoding: string | undefined;
}

/** Counts the bytes of one response, with its interim responses (1xx). */
export class AnswerFrame {
  /** The number of received bytes. */
  #bytes = 0;
  /** The number of bytes up to the end of the final head, with interim responses. */
  #headBytes: number | undefined;
  /** The received bytes of an incomplete head. */
  #pending: Buffer = nothing;
  /** The last four received bytes. */
  #tail: Buffer = nothing;

  /** Counts bytes that the connection received. */
  push(chunk: Buffer): void {
    if (this.#headBytes === undefined) this.#findHead(chunk);
    this.#bytes += chunk.length;
    this.#tail =
      chunk.length >= headEnd.length
        ? Buffer.from(chunk.subarray(-headEnd.length))
        : Buffer.concat([this.#tail, chunk]).subarray(-headEnd.length);
  }

  /**
   * Whether the received bytes are exactly one response. Call this method after the parser has reported the end
   * of the response. Behind the last chunk, the parser itself refuses all bytes except line ends. So a chunked
   * response is exact if it ends in an empty line.
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
      // The parser too skips line ends before a status line (RFC 9112 section 2.2).
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

/** Whether the status is 1xx. The parser refuses a head without a legal status line. */
function isInterim(head: Buffer): boolean {
  return head[9] === 0x31;
}
