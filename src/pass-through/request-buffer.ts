import type { IncomingMessage } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';

/** Bytes of a body that are buffered before its request takes a connection to the pool. */
export const readFirstBytes = 65_536;

/** The bytes of the buffered bodies of all pools. */
export interface BufferedBytes {
  bytes: number;
}

/**
 * Buffers request bodies before their requests take a connection. A slow client then uses memory, which is
 * limited, and no connection, which other requests need.
 */
export class RequestBuffer {
  readonly #maxEachBytes: number;
  readonly #maxBytes: number;
  readonly #total: BufferedBytes;

  /**
   * @param maxBytes limit for all buffered bodies; above it each body is treated as a large one
   * @param total the bytes that count for this limit
   */
  constructor(maxEachBytes: number, maxBytes: number, total: BufferedBytes) {
    this.#maxEachBytes = maxEachBytes;
    this.#maxBytes = maxBytes;
    this.#total = total;
  }

  /**
   * Reads a body. Its bytes count until they have been sent, or until the returned function is called.
   *
   * @param ready called once, with the whole body, or with `isLarge` and a body that still arrives
   * @returns to be called when the request is over; further calls do nothing
   */
  read(request: IncomingMessage, ready: (body: Readable, isLarge: boolean) => void): () => void {
    const chunks: Buffer[] = [];
    let held = 0;
    let isOver = false;
    const release = (): void => {
      isOver = true;
      this.#total.bytes -= held;
      held = 0;
    };
    const pass = (isLarge: boolean): void => {
      request.removeListener('data', take);
      request.removeListener('end', whole);
      const body = new PassThrough({ highWaterMark: readFirstBytes });
      body.once('end', release);
      for (const chunk of chunks) body.write(chunk);
      if (isLarge) request.pipe(body);
      else body.end();
      ready(body, isLarge);
    };
    const take = (chunk: Buffer): void => {
      if (isOver) return;
      chunks.push(chunk);
      held += chunk.length;
      this.#total.bytes += chunk.length;
      if (held >= this.#maxEachBytes || this.#total.bytes > this.#maxBytes) pass(true);
    };
    const whole = (): void => pass(false);
    request.on('data', take);
    request.on('end', whole);
    return release;
  }
}
