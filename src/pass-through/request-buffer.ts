import type { IncomingMessage } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';

/** The most that is read of a body before a connection to the pool is taken for it. */
export const readFirstBytes = 65_536;

/**
 * Reads bodies before connections are taken for them. A client that sends slowly then holds memory, which is
 * bounded, and not a connection, which others wait for.
 */
export class RequestBuffer {
  readonly #maxEachBytes: number;
  readonly #maxBytes: number;
  #bytes = 0;

  /** `maxBytes`: of all bodies that are read; beyond it they are treated as large ones. */
  constructor(maxEachBytes: number, maxBytes: number) {
    this.#maxEachBytes = maxEachBytes;
    this.#maxBytes = maxBytes;
  }

  /** @param ready gets the body to send, once: whole, or `isLarge` with more to come */
  read(request: IncomingMessage, ready: (body: Readable, isLarge: boolean) => void): void {
    const chunks: Buffer[] = [];
    let held = 0;
    const pass = (isLarge: boolean): void => {
      request.removeListener('data', take);
      request.removeListener('end', whole);
      const body = new PassThrough({ highWaterMark: readFirstBytes });
      for (const chunk of chunks) body.write(chunk);
      if (isLarge) request.pipe(body);
      else body.end();
      ready(body, isLarge);
    };
    const take = (chunk: Buffer): void => {
      chunks.push(chunk);
      held += chunk.length;
      this.#bytes += chunk.length;
      if (held >= this.#maxEachBytes || this.#bytes > this.#maxBytes) pass(true);
    };
    const whole = (): void => pass(false);
    request.on('data', take);
    request.on('end', whole);
    request.once('close', () => (this.#bytes -= held));
  }
}
