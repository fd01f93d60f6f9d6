/**
 * The way back: bytes of a batch's answer go in as they arrive, complete parts come out.
 *
 * Strategy: a part ends where a line begins with `--boundary`, so the parser looks for line starts
 * only, never inside lines, and never trusts a length. The first delimiter line decides how lines
 * end: with CRLF, as all real servers do it, a bare LF is a byte like any other, so that no text in
 * a body can pose as a delimiter; with LF, LF ends every line. What follows a delimiter must be the
 * end of its line (or `--`): `--boundaryX` is text.
 *
 *   preamble --delimiter--> part --delimiter--> part … --close delimiter--> epilogue
 */
import { type MalformedPart, PartReader, type ResponsePart } from './response-part.ts';

export interface ParserLimits {
  /** More parts than this are not read: `overflow`. */
  readonly maxParts: number;
  readonly maxPreambleBytes: number;
}

/**
 * How an answer ended, once `finish` was told that no more comes:
 * - `closed`: by the close delimiter.
 * - `bare`: by a delimiter without its two dashes and nothing after it. Some writers end so; an
 *   answer that was cut between two parts looks the same, and only the count tells them apart.
 * - `open`: it broke off; the parts that came out are whole, the rest never came.
 * - `overflow`: more parts than were asked for.
 * - `no-delimiter`: not one delimiter.
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

export class MultipartParser {
  /** Complete parts, in the order of the answer. */
  readonly parts: Array<ResponsePart | MalformedPart> = [];

  readonly #reader = new PartReader();
  readonly #dashBoundary: Buffer;
  readonly #limits: ParserLimits;
  #state: State = 'preamble';
  #bareLineFeeds = false;
  /** What came before `#pending` of a part that has come in long pieces. No delimiter begins in it. */
  #pieces: Buffer[] = [];
  #piecesBytes = 0;
  /** Bytes from `#from` on are not given out; those before `#scanned` hold no delimiter. */
  #pending: Buffer = nothing;
  #from = 0;
  /** Where pending bytes are gathered; `#pending` ends at `#gatheredBytes` of it. */
  #gathered: Buffer = nothing;
  #gatheredBytes = 0;
  #scanned = 0;

  constructor(boundary: string, limits: ParserLimits) {
    this.#dashBoundary = Buffer.from(`--${boundary}`, 'latin1');
    this.#limits = limits;
  }

  /** Bytes held back for a part that is not complete. */
  get bufferedBytes(): number {
    return this.#piecesBytes + this.#pending.length;
  }

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
   * Goes on with the chunk alone when no delimiter can begin in what is pending. A part of long pieces
   * is put together once, when it is whole: memory that is asked for again and again makes V8 collect
   * all of its heap (answers of 200 KB could cost twice as much).
   */
  #layAside(chunk: Buffer): boolean {
    if (this.#state !== 'part' || chunk.length < minPieceBytes || this.#hasRoomFor(chunk))
      return false;
    const unsure = this.#pending.subarray(this.#scanned);
    // As much as that holds the beginning of a delimiter's line.
    if (unsure.length >= this.#dashBoundary.length) return false;
    // One that begins in the chunk's first two bytes would have its line end before them.
    const begin = chunk.subarray(0, this.#dashBoundary.length + lineEndBytes - 1);
    if (Buffer.concat([unsure, begin]).includes(this.#dashBoundary)) return false;
    this.#pieces.push(this.#pending);
    this.#piecesBytes += this.#pending.length;
    this.#pending = chunk;
    this.#scanned = lineEndBytes;
    return true;
  }

  /**
   * Appends to what is pending. Room doubles, so that a part that comes in many pieces is copied
   * a few times only; what was given out is never written to again.
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

  /** Whether pending bytes are gathered already, and the chunk can join them where they are. */
  #hasRoomFor(chunk: Buffer): boolean {
    const isGathered = this.#pending.buffer === this.#gathered.buffer;
    return isGathered && this.#gatheredBytes + chunk.length <= this.#gathered.length;
  }

  /** No more bytes come. */
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

  #scan(atEnd: boolean): void {
    for (;;) {
      const found = this.#pending.indexOf(this.#dashBoundary, this.#scanned);
      if (found === -1) {
        // The tail may hold the beginning of a delimiter.
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

  /** Where the content before a delimiter at `found` ends: before its line end. -1: mid-line. */
  #contentEndBefore(found: number): number {
    if (found === this.#from) return found;
    if (this.#pending[found - 1] !== LF) return -1;
    const afterCr = found > this.#from + 1 && this.#pending[found - 2] === CR;
    if (this.#state === 'preamble' || this.#bareLineFeeds) return afterCr ? found - 2 : found - 1;
    return afterCr ? found - 2 : -1;
  }

  /** What stands behind `--boundary`: the end of the line, perhaps after `--` and blanks. */
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

  /** Nothing of what follows is of interest. */
  #forget(state: State): void {
    this.#state = state;
    this.#pieces = [];
    this.#piecesBytes = 0;
    this.#pending = nothing;
    this.#from = 0;
  }
}
