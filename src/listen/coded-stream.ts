/**
 * Codes one answer as it arrives. A short body is coded whole, in one call. A longer or slower one streams through an
 * encoder of its own, which is flushed in time.
 *
 *     gathering --end--> over                        (coded whole; unchanged if it is too short)
 *     gathering --longer, or slower--> coding --end--> over
 *     gathering --longer, or slower, and no encoder is free--> unchanged --end--> over
 */
import type { Gzip } from 'node:zlib';
import { codedHead, variedHead } from '../core/coding/coded-head.ts';
import type { Offer } from '../core/coding/offer.ts';
import type { RawHeaders } from '../core/messages/http-message.ts';
import { codedBody, createEncoder } from './body-coding.ts';

/** Where the answer goes. */
export interface CodedOutput {
  /** Writes the head. Returns `false` if the exchange is over. */
  begin(headers: RawHeaders): boolean;
  /** Returns whether more may be written at once. If not, `drained` is called as soon as it may. */
  write(chunk: Buffer, drained: () => void): boolean;
  /** The whole body has been written. */
  end(): void;
  broke(error: unknown): void;
}

/** Limits the memory of encoders and of the bodies that they wait for. */
export interface EncoderLimit {
  acquire(bytes: number): boolean;
  release(bytes: number): void;
}

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
  #state: 'gathering' | 'coding' | 'unchanged' | 'over' = 'gathering';
  #chunks: Buffer[] = [];
  #bytes = 0;
  #encoder: Gzip | undefined;
  #acquiredBytes = 0;
  #bufferedBytes = 0;
  readonly #maxBufferedBytes: number;
  #timer: NodeJS.Timeout | undefined;

  /** @param maxBufferedBytes limit for the bytes that wait for the encoder */
  constructor(
    headers: RawHeaders,
    offer: Offer,
    limit: EncoderLimit,
    output: CodedOutput,
    maxBufferedBytes: number,
  ) {
    this.#maxBufferedBytes = maxBufferedBytes;
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
        // The copy does not keep the rest of the memory into which the chunk was read.
        this.#chunks.push(Buffer.from(chunk));
        this.#bytes += chunk.length;
        return this.#bytes <= maxWholeBytes || this.#open();
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
    const body = Buffer.concat(this.#chunks, this.#bytes);
    const { whole, minBytes } = this.#offer;
    const coded = this.#bytes < minBytes ? undefined : codedBody(whole, body);
    const fields =
      coded === undefined
        ? this.#headers
        : [...codedHead(this.#headers, whole), 'Content-Length', String(coded.length)];
    if (!this.#output.begin(fields)) {
      this.stop();
      return;
    }
    const written = coded ?? body;
    if (written.length > 0) this.#output.write(written, () => undefined);
    this.#end();
  }

  /** Sends the head, and what has arrived. Returns whether more may be written at once. */
  #open(): boolean {
    let mayContinue = true;
    this.#guarded(() => {
      const isCoded = this.#offer.stream !== undefined && this.#acquire(encoderBytes);
      if (!this.#begin(isCoded ? 'coding' : 'unchanged')) return;
      const gathered = Buffer.concat(this.#chunks.splice(0), this.#bytes);
      mayContinue = this.write(gathered);
      // The head is sent now, even if no byte of the body has arrived.
      if (gathered.length === 0) this.#encoder?.flush();
    });
    return mayContinue;
  }

  /** Whether bytes that the encoder does not take at once may wait in memory. */
  #buffer(bytes: number): boolean {
    if (this.#bufferedBytes + bytes > this.#maxBufferedBytes || !this.#acquire(bytes)) return false;
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

  #begin(state: 'coding' | 'unchanged'): boolean {
    const isCoded = state === 'coding';
    const fields = isCoded ? codedHead(this.#headers, 'gzip') : variedHead(this.#headers);
    this.#state = state;
    if (isCoded) this.#createEncoder();
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
      if (this.#state === 'gathering') this.#open();
      else if (this.#state === 'coding') this.#encoder?.flush();
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
