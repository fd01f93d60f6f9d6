/**
 * Codes one answer as it arrives. A short body is coded whole, in one call. A longer or slower one streams through an
 * encoder of its own, which is flushed in time. An answer that has only a head takes no encoder: its head promises gzip,
 * and pieces need no memory if no encoder is free later.
 *
 *     gathering --end--> over                        (coded whole; unchanged if it is too short)
 *     gathering --longer, or slower--> coding --end--> over
 *     gathering --longer, or slower, and no encoder is free--> unchanged --end--> over
 *     gathering --longer, or slower, and the answer cannot pause--> pieces --end--> over
 *     gathering --no byte comes--> promised --end--> over        (coded whole)
 *     promised --longer, or slower--> coding --end--> over
 *     promised --longer, or slower, and no encoder is free--> pieces --end--> over
 */
import type { Gzip } from 'node:zlib';
import { codedHead, variedHead } from '../core/coding/coded-head.ts';
import type { Offer } from '../core/coding/offer.ts';
import type { RawHeaders } from '../core/messages/http-message.ts';
import { codedBody, createEncoder, gzipped, GzipPieces } from './body-coding.ts';
import type { CodedOutput, CodedStreamOptions, EncoderLimit } from './coded-output.ts';

/** Longer bodies are coded outside of the event loop. */
const maxWholeBytes = 65_536;
/** Time in ms after which bytes that have arrived are sent, although the answer goes on. */
const flushMs = 5;
/** Memory of an encoder: window, hash table, and the buffers around it. */
const encoderBytes = 131_072;

export class CodedStream {
  /** Called as soon as more may be written. */
  onDrained: (() => void) | undefined;
  readonly #headers: RawHeaders;
  readonly #offer: Offer;
  readonly #limit: EncoderLimit;
  readonly #output: CodedOutput;
  #state: 'gathering' | 'promised' | 'coding' | 'pieces' | 'unchanged' | 'over' = 'gathering';
  #chunks: Buffer[] = [];
  #bytes = 0;
  #encoder: Gzip | undefined;
  readonly #pieces = new GzipPieces();
  /** Whether the reader has to take pieces before more are coded. */
  #isFull = false;
  #acquiredBytes = 0;
  #bufferedBytes = 0;
  readonly #options: CodedStreamOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    headers: RawHeaders,
    offer: Offer,
    limit: EncoderLimit,
    output: CodedOutput,
    options: CodedStreamOptions,
  ) {
    this.#options = options;
    this.#headers = headers;
    this.#offer = offer;
    this.#limit = limit;
    this.#output = output;
    this.#flushSoon();
  }

  /** Returns whether more may be written at once. If not, `onDrained` is called as soon as it may. */
  write(chunk: Buffer): boolean {
    switch (this.#state) {
      case 'gathering':
      case 'promised':
      case 'pieces':
        this.#flushSoon();
        // The copy does not keep the rest of the memory into which the chunk was read.
        this.#chunks.push(Buffer.from(chunk));
        this.#bytes += chunk.length;
        return (this.#bytes <= maxWholeBytes || this.#proceed()) && !this.#isFull;
      case 'coding':
        this.#flushSoon();
        return this.#encoder?.write(chunk) !== false || this.#buffer(chunk.length);
      case 'unchanged':
        return this.#output.write(chunk, this.#drained);
      case 'over':
        return true;
    }
  }

  /** Ends the body. */
  end(): void {
    this.#guarded(() => {
      if (this.#state === 'gathering') this.#endWhole();
      else if (this.#state === 'promised') this.#endLast(gzipped(this.#gathered()));
      else if (this.#state === 'pieces') this.#endPieces();
      else if (this.#state === 'coding') this.#endEncoder();
      else if (this.#state === 'unchanged') this.#end();
    });
  }

  /**
   * Codes a whole body outside of the event loop.
   *
   * @returns `false` if no encoder is free. Nothing was written then.
   */
  encode(body: Buffer): boolean {
    this.#chunks = [body];
    this.#bytes = body.length;
    if (this.#offer.stream === undefined || !this.#acquire(encoderBytes + body.length)) {
      this.stop();
      return false;
    }
    this.#guarded(() => {
      if (this.#begin('coding')) this.#endEncoder();
    });
    return true;
  }

  /** Frees the encoder, and writes no more. To be called when the exchange is over. */
  stop(): void {
    this.#state = 'over';
    this.#chunks = [];
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#encoder?.destroy();
    this.#encoder = undefined;
    this.#release(this.#acquiredBytes);
  }

  /** Codes the whole body, unless it is too short or does not become shorter. */
  #endWhole(): void {
    const body = this.#gathered();
    const { whole, minBytes } = this.#offer;
    const coded = body.length < minBytes ? undefined : codedBody(whole, body);
    const fields =
      coded === undefined
        ? this.#headers
        : [...codedHead(this.#headers, whole), 'Content-Length', String(coded.length)];
    if (!this.#output.begin(fields)) {
      this.stop();
      return;
    }
    this.#endLast(coded ?? body);
  }

  #endPieces(): void {
    const last = this.#pieces.code(this.#gathered());
    this.#endLast(Buffer.concat([last, this.#pieces.end()]));
  }

  #endLast(bytes: Buffer): void {
    if (bytes.length > 0) this.#output.write(bytes, () => undefined);
    this.#end();
  }

  /** Returns the bytes that have arrived, and forgets them. */
  #gathered(): Buffer {
    const bytes = Buffer.concat(this.#chunks.splice(0), this.#bytes);
    this.#bytes = 0;
    return bytes;
  }

  /** Sends what has arrived, and the head before. Returns whether more may be written at once. */
  #proceed(): boolean {
    let mayContinue = true;
    if (this.#isFull) return false;
    this.#guarded(() => {
      const gathered = this.#gathered();
      if (this.#state === 'gathering' && !this.#open(gathered.length)) return;
      if (this.#state === 'promised' && gathered.length > 0) {
        if (this.#takesEncoder()) this.#createEncoder();
        this.#state = this.#encoder === undefined ? 'pieces' : 'coding';
      }
      if (this.#state === 'pieces') {
        if (gathered.length > 0) mayContinue = this.#writePiece(gathered);
      } else if (this.#state === 'promised') {
        // The head is sent now, although no byte of the body has arrived.
        this.#output.write(gathered, () => undefined);
      } else mayContinue = this.write(gathered);
    });
    return mayContinue;
  }

  /** Writes the head when this number of bytes has arrived. Returns `false` if the exchange is over. */
  #open(bytes: number): boolean {
    if (this.#offer.stream === undefined) return this.#begin('unchanged');
    if (bytes === 0) return this.#begin('promised');
    if (!this.#options.canPause) return this.#begin('pieces');
    return this.#begin(this.#takesEncoder() ? 'coding' : 'unchanged');
  }

  #writePiece(piece: Buffer): boolean {
    this.#isFull = !this.#output.write(this.#pieces.code(piece), () => {
      this.#isFull = false;
      // Bytes that arrived meanwhile have waited for their reader.
      if (this.#state === 'pieces' && !this.#proceed()) return;
      this.#drained();
    });
    return !this.#isFull;
  }

  #takesEncoder(): boolean {
    return this.#options.canPause && this.#acquire(encoderBytes);
  }

  /** Whether bytes that the encoder does not take at once may wait in memory. */
  #buffer(bytes: number): boolean {
    if (this.#bufferedBytes + bytes > this.#options.maxBufferedBytes || !this.#acquire(bytes))
      return false;
    this.#bufferedBytes += bytes;
    return true;
  }

  #acquire(bytes: number): boolean {
    if (!this.#limit.acquire(bytes)) return false;
    this.#acquiredBytes += bytes;
    return true;
  }

  #release(bytes: number): void {
    this.#acquiredBytes -= bytes;
    this.#limit.release(bytes);
  }

  #begin(state: 'promised' | 'coding' | 'pieces' | 'unchanged'): boolean {
    const isCoded = state !== 'unchanged';
    const fields = isCoded ? codedHead(this.#headers, 'gzip') : variedHead(this.#headers);
    this.#state = state;
    if (state === 'coding') this.#createEncoder();
    if (this.#output.begin(fields)) return true;
    this.stop();
    return false;
  }

  #createEncoder(): void {
    const encoder = createEncoder();
    this.#encoder = encoder;
    encoder.on('data', (chunk: Buffer) => {
      if (this.#state !== 'coding') return;
      if (!this.#output.write(chunk, () => void encoder.resume())) encoder.pause();
    });
    encoder.on('drain', () => {
      this.#release(this.#bufferedBytes);
      this.#bufferedBytes = 0;
      this.#drained();
    });
    encoder.on('end', () => {
      if (this.#state === 'coding') this.#guarded(() => this.#end());
    });
    encoder.on('error', (error) => this.#broke(error));
  }

  #endEncoder(): void {
    clearTimeout(this.#timer);
    const [body] = this.#chunks.splice(0);
    if (body === undefined) this.#encoder?.end();
    else this.#encoder?.end(body);
  }

  #end(): void {
    this.stop();
    this.#output.end();
  }

  /** Bytes that are older than `flushMs` do not wait for more. */
  #flushSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#state === 'coding') this.#encoder?.flush();
      else if (this.#state === 'gathering' || this.#bytes > 0) this.#proceed();
    }, flushMs);
  }

  readonly #drained = (): void => this.onDrained?.();

  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#broke(error);
    }
  }

  #broke(error: unknown): void {
    if (this.#state === 'over') return;
    this.stop();
    this.#output.broke(error);
  }
}
