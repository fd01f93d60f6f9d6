/**
 * Decompresses an envelope. The proxy offers gzip to the pool. An answer that arrives in one piece is decompressed in
 * one call, because a stream takes longer for it. All others stream, so that a part is known as soon as it is there.
 * `BatchExchange` bounds the bytes before and after.
 */
import {
  constants,
  createGunzip,
  createInflate,
  type Gunzip,
  gunzipSync,
  type Inflate,
  inflateSync,
} from 'node:zlib';

export interface Inflater {
  write(chunk: Buffer): void;
  /** Ends the input. `ended` or `failed` follows. */
  end(): void;
  /** Decompresses what has arrived of an answer that broke off, and then calls `done`, unless `failed` is called. */
  breakOff(done: () => void): void;
  /** Stops all output. */
  stop(): void;
}

export interface Inflated {
  data(chunk: Buffer): void;
  ended(): void;
  failed(): void;
}

/** Limits for an answer that is decompressed in one call, before and after. A longer answer would block other calls. */
const maxPieceBytes = 65_536;
const maxInflatedBytes = 262_144;

class EnvelopeInflater implements Inflater {
  readonly #coding: 'gzip' | 'deflate';
  readonly #to: Inflated;
  #stream: Gunzip | Inflate | undefined;
  /** The bytes of this turn, until it is clear whether the answer ends in the same turn. */
  #pending: Buffer[] = [];
  #stopped = false;

  constructor(coding: 'gzip' | 'deflate', to: Inflated) {
    this.#coding = coding;
    this.#to = to;
  }

  write(chunk: Buffer): void {
    if (this.#stream !== undefined) {
      this.#stream.write(chunk);
      return;
    }
    this.#pending.push(chunk);
    if (this.#pending.length === 1)
      queueMicrotask(() => {
        if (this.#pending.length > 0) this.#opened();
      });
  }

  end(): void {
    if (this.#stream === undefined && this.#pending.length > 0) {
      const whole = this.#inflated(Buffer.concat(this.#pending), constants.Z_FINISH);
      if (whole !== undefined) {
        this.#pending = [];
        this.#to.data(whole);
        if (!this.#isStopped) this.#to.ended();
        return;
      }
    }
    this.#opened()?.end();
  }

  breakOff(done: () => void): void {
    const stream = this.#stream;
    if (stream !== undefined && stream.writableLength > 0) {
      stream.flush(constants.Z_SYNC_FLUSH, () => {
        if (!this.#stopped) done();
      });
      return;
    }
    const input = Buffer.concat(this.#pending.splice(0));
    const rest = input.length === 0 ? undefined : this.#inflated(input, constants.Z_SYNC_FLUSH);
    if (rest !== undefined && rest.length > 0) this.#to.data(rest);
    if (!this.#isStopped) done();
  }

  stop(): void {
    this.#stopped = true;
    this.#pending = [];
    this.#stream?.destroy();
  }

  get #isStopped(): boolean {
    return this.#stopped;
  }

  /** Returns `undefined` if the input is malformed, or too long for one call. The stream then finds out which. */
  #inflated(input: Buffer, finishFlush: number): Buffer | undefined {
    if (input.length > maxPieceBytes) return undefined;
    const inflate = this.#coding === 'gzip' ? gunzipSync : inflateSync;
    try {
      return inflate(input, { maxOutputLength: maxInflatedBytes, finishFlush });
    } catch {
      return undefined;
    }
  }

  /** Returns the stream, which has got everything that has arrived. */
  #opened(): Gunzip | Inflate | undefined {
    if (this.#stopped || this.#stream !== undefined) return this.#stream;
    const stream = this.#coding === 'gzip' ? createGunzip() : createInflate();
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => {
      if (!this.#stopped) this.#to.data(chunk);
    });
    stream.on('end', () => {
      if (!this.#stopped) this.#to.ended();
    });
    stream.on('error', () => {
      if (!this.#stopped) this.#to.failed();
    });
    for (const chunk of this.#pending.splice(0)) stream.write(chunk);
    return stream;
  }
}

/** Creates a decompressor for a coding of RFC 9110 section 8.4.1. */
export function createInflater(coding: 'gzip' | 'deflate', to: Inflated): Inflater {
  return new EnvelopeInflater(coding, to);
}
