/**
 * Parses a batch response (RFC 2046 section 5.1.1): takes its bytes as they arrive, and returns complete parts.
 *
 * A part ends at a line that begins with `--boundary`. The parser looks only at line starts, and trusts no
 * length. The first delimiter line decides how lines end. Real servers end it with CRLF, and a bare LF is then
 * text, so text after a bare LF is never a delimiter. If the first delimiter line ends with LF, each LF ends a
 * line. Only `--` and blanks may follow `--boundary` on its line: `--boundaryX` is text.
 *
 *   preamble --delimiter--> part --delimiter--> part … --close delimiter--> epilogue
 */
import { type MalformedPart, PartReader, type ResponsePart } from './response-part.ts';

export interface ParserLimits {
  /** The number of calls in the batch. The parser stops at a further part, with the ending `overflow`. */
  readonly maxParts: number;
  /** The longest text before the first delimiter, in bytes. A longer one gives the ending `no-delimiter`. */
  readonly maxPreambleBytes: number;
}

/**
 * The end of a response:
 * - `closed`: the close delimiter.
 * - `bare`: a delimiter without the two dashes of a close delimiter, and no bytes after it. Some servers end a
 *   response this way. A response that broke off between two parts looks the same; only the number of parts
 *   tells them apart.
 * - `open`: the response broke off. The parts that the parser returned are complete.
 * - `overflow`: more than `maxParts` parts.
 * - `no-delimiter`: no delimiter at all.
 */
export type MultipartEnding = 'closed' | 'bare' | 'open' | 'overflow' | 'no-delimiter';

type State = 'preamble' | 'part' | 'epilogue' | 'overflow' | 'no-delimiter';

const LF = 0x0a;
const CR = 0x0d;
const DASH = 0x2d;

const nothing = Buffer.alloc(0);
const minRoomBytes = 16_384;
const minPieceBytes = 1024;
const lineEndBytes = 2;

/** Parses one batch response. */
export class MultipartParser {
  /** The complete parts, in the order of the response. */
  readonly parts: Array<ResponsePart | MalformedPart> = [];

  readonly #reader = new PartReader();
  readonly #dashBoundary: Buffer;
  readonly #limits: ParserLimits;
  #state: State = 'preamble';
  #bareLineFeeds = false;
  /**
   * The earlier bytes of the current part, set aside in long pieces. `#pending` continues them. No delimiter
   * begins in them.
   */
  #pieces: Buffer[] = [];
  #piecesBytes = 0;
  /**
   * Received bytes. Those from `#from` on belong to no returned part; no delimiter begins between `#from` and
   * `#scanned`.
   */
  #pending: Buffer = nothing;
  #from = 0;
  /** The memory for pending bytes of short chunks. `#gatheredBytes` of it are used; `#pending` ends there. */
  #gathered: Buffer = nothing;
  #gatheredBytes = 0;
  #scanned = 0;

  /** @param boundary the boundary of the response, see `batchingBoundary` */
  constructor(boundary: string, limits: ParserLimits) {
    this.#dashBoundary = Buffer.from(`--${boundary}`, 'latin1');
    this.#limits = limits;
  }

  /** The number of bytes that the parser keeps for an incomplete part. */
  get bufferedBytes(): number {
    return this.#piecesBytes + this.#pending.length;
  }

  /** Parses the next bytes of the response. Complete parts are added to `parts`. The parser may keep `chunk`. */
  push(chunk: Buffer): void {
    if (this.#state !== 'preamble' && this.#state !== 'part') return;
    if (this.#pending.length === 0) this.#pending = chunk;
    else if (!this.#layAside(chunk)) this.#gather(chunk);
    this.#scan(false);
    if (this.#from === 0) return;
    this.#pending = this.#pending.subarray(this.#from);
    this.#scanned = Math.max(0, this.#scanned - this.#from);
    this.#from = 0;
  }

  /**
   * Moves `#pending` to `#pieces` if no delimiter can begin in it, and continues with the chunk alone. Returns
   * whether it did. A part in long pieces is joined only once, when it is complete. Growing one buffer instead
   * makes V8 run full garbage collections, which can double the CPU time for responses of 200 KB.
   */
  #layAside(chunk: Buffer): boolean {
    if (this.#state !== 'part' || chunk.length < minPieceBytes || this.#hasRoomFor(chunk))
      return false;
    const unsure = this.#pending.subarray(this.#scanned);
    // The scan stopped early, because these bytes contain a delimiter with an incomplete line.
    if (unsure.length >= this.#dashBoundary.length) return false;
    // A delimiter in the first two bytes of the chunk follows a line end that begins in `#pending`.
    const begin = chunk.subarray(0, this.#dashBoundary.length + lineEndBytes - 1);
    if (Buffer.concat([unsure, begin]).includes(this.#dashBoundary)) return false;
    this.#pieces.push(this.#pending);
    this.#piecesBytes += this.#pending.length;
    this.#pending = chunk;
    this.#scanned = lineEndBytes;
    return true;
  }

  /**
   * Appends the chunk to `#pending`. The room doubles each time, so a part in many short pieces is copied only
   * a few times. Bytes of returned parts are never overwritten.
   */
  #gather(chunk: Buffer): void {
    const length = this.#pending.length + chunk.length;
    if (!this.#hasRoomFor(chunk)) {
      const room = Buffer.allocUnsafeSlow(Math.max(minRoomBytes, length * 2));
      this.#pending.copy(room);
      this.#gathered = room;
      this.#gatheredBytes = this.#pending.length;
    }
    chunk.copy(this.#gathered, this.#gatheredBytes);
    this.#gatheredBytes += chunk.length;
    this.#pending = this.#gathered.subarray(this.#gatheredBytes - length, this.#gatheredBytes);
  }

  /** Whether `#pending` lies in `#gathered`, with enough room behind it for the chunk. */
  #hasRoomFor(chunk: Buffer): boolean {
    const isGathered = this.#pending.buffer === this.#gathered.buffer;
    return isGathered && this.#gatheredBytes + chunk.length <= this.#gathered.length;
  }

  /** Ends the response, and returns how it ended. The last delimiter line needs no line end. */
  finish(): MultipartEnding {
    if (this.#state === 'preamble' || this.#state === 'part') this.#scan(true);
    switch (this.#state) {
      case 'epilogue':
        return 'closed';
      case 'overflow':
        return 'overflow';
      case 'preamble':
      case 'no-delimiter':
        return 'no-delimiter';
      case 'part':
        return this.bufferedBytes === this.#from ? 'bare' : 'open';
    }
  }

  /** Takes all complete parts from `#pending`. */
  #scan(atEnd: boolean): void {
    for (;;) {
      const found = this.#pending.indexOf(this.#dashBoundary, this.#scanned);
      if (found === -1) {
        // A delimiter may begin in the last bytes.
        this.#scanned = Math.max(
          this.#scanned,
          this.#pending.length - this.#dashBoundary.length + 1,
        );
        if (this.#state === 'preamble' && this.#scanned > this.#limits.maxPreambleBytes) {
          this.#forget('no-delimiter');
        }
        return;
      }
      const contentEnd = this.#contentEndBefore(found);
      const line = contentEnd === -1 ? 'text' : this.#delimiterLine(found, atEnd);
      if (line === 'more') {
        this.#scanned = found;
        return;
      }
      if (line === 'text') {
        this.#scanned = found + 1;
        continue;
      }
      this.#take(contentEnd, line);
      if (this.#state !== 'part') return;
    }
  }

  /**
   * Returns the end of the content before a possible delimiter at `found`, without the line end. Returns -1 if
   * `found` is not at the start of a line.
   */
  #contentEndBefore(found: number): number {
    if (found === this.#from) return found;
    if (this.#pending[found - 1] !== LF) return -1;
    const afterCr = found > this.#from + 1 && this.#pending[found - 2] === CR;
    if (this.#state === 'preamble' || this.#bareLineFeeds) return afterCr ? found - 2 : found - 1;
    return afterCr ? found - 2 : -1;
  }

  /**
   * Reads the rest of a line that begins with `--boundary`. Returns `text` if the line is no delimiter, and
   * `more` if the next bytes decide that. `next` is the start of the next line.
   */
  #delimiterLine(
    found: number,
    atEnd: boolean,
  ): 'text' | 'more' | { next: number; close: boolean; bareLineFeed: boolean } {
    const bytes = this.#pending;
    let at = found + this.#dashBoundary.length;
    const close = bytes[at] === DASH && bytes[at + 1] === DASH;
    if (close) at += 2;
    else if (bytes[at] === DASH && at + 1 === bytes.length && !atEnd) return 'more';
    while (bytes[at] === 0x20 || bytes[at] === 0x09) at += 1;
    if (at >= bytes.length) {
      return atEnd ? { next: bytes.length, close, bareLineFeed: false } : 'more';
    }
    if (bytes[at] === CR) {
      if (at + 1 >= bytes.length && !atEnd) return 'more';
      if (at + 1 < bytes.length && bytes[at + 1] !== LF) return 'text';
      return { next: Math.min(at + 2, bytes.length), close, bareLineFeed: false };
    }
    if (bytes[at] === LF && (this.#state === 'preamble' || this.#bareLineFeeds)) {
      return { next: at + 1, close, bareLineFeed: true };
    }
    return 'text';
  }

  /** Ends the preamble or the current part at a delimiter line. */
  #take(contentEnd: number, line: { next: number; close: boolean; bareLineFeed: boolean }): void {
    const start = this.#from;
    this.#from = line.next;
    this.#scanned = line.next;
    if (this.#state === 'preamble') {
      this.#bareLineFeeds = line.bareLineFeed;
    } else if (this.parts.length >= this.#limits.maxParts) {
      this.#forget('overflow');
      return;
    } else {
      this.parts.push(this.#readPart(start, contentEnd));
    }
    if (line.close) this.#forget('epilogue');
    else this.#state = 'part';
  }

  #readPart(start: number, end: number): ResponsePart | MalformedPart {
    if (this.#pieces.length === 0) return this.#reader.read(this.#pending, start, end);
    const bytes = Buffer.concat([...this.#pieces, this.#pending.subarray(start, end)]);
    this.#pieces = [];
    this.#piecesBytes = 0;
    return this.#reader.read(bytes, 0, bytes.length);
  }

  /** Enters a final state, and drops the pending bytes. */
  #forget(state: State): void {
    this.#state = state;
    this.#pieces = [];
    this.#piecesBytes = 0;
    this.#pending = nothing;
    this.#from = 0;
  }
}
