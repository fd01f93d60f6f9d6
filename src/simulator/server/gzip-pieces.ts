import { createGzip } from 'node:zlib';

/** Compresses an answer that is written in pieces. A client can read each piece as soon as it has arrived. */
export class GzipPieces {
  readonly #stream = createGzip();
  #written: Buffer[] = [];

  constructor() {
    this.#stream.on('data', (chunk: Buffer) => this.#written.push(chunk));
  }

  /** Returns the bytes to write for this piece. */
  async next(piece: Buffer, isLast: boolean): Promise<Buffer> {
    await new Promise<void>((resolve) => {
      if (isLast) {
        this.#stream.once('end', resolve);
        this.#stream.end(piece);
      } else {
        this.#stream.write(piece);
        this.#stream.flush(() => resolve());
      }
    });
    return Buffer.concat(this.#written.splice(0));
  }
}
