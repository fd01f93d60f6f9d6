import type { IncomingMessage } from 'node:http';

const nothing = Buffer.alloc(0);

/** Reads the bodies of calls that may be batched; all of them together are bounded. */
export class Bodies {
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Calls back with a body whose length was announced, once it is whole; never, if the client leaves
   * first. At once where the length is 0. Returns `false` if there is no room for it.
   */
  read(request: IncomingMessage, lengthBytes: number, done: (body: Buffer) => void): boolean {
    if (lengthBytes === 0) {
      done(nothing);
      return true;
    }
    if (this.#bytes + lengthBytes > this.#maxBytes) return false;
    this.#bytes += lengthBytes;
    request.once('close', () => (this.#bytes -= lengthBytes));
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () =>
      done(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)),
    );
    return true;
  }
}
