/** Counts the parts of a client's own batch that is passed through. The pool counts each part as a call. */
const lineFeed = 0x0a;
const dash = 0x2d;

export class PartCounter {
  readonly #delimiter: Buffer;
  /** The start of the current line, up to the length of a closing delimiter. */
  readonly #line: Buffer;
  #length = 0;
  /** Number of parts that have begun. */
  parts = 0;

  constructor(boundary: string) {
    this.#delimiter = Buffer.from(`--${boundary}`, 'latin1');
    this.#line = Buffer.alloc(this.#delimiter.length + 2);
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      const end = chunk.indexOf(lineFeed, at);
      const stop = end === -1 ? chunk.length : end;
      const taken = Math.min(stop - at, this.#line.length - this.#length);
      chunk.copy(this.#line, this.#length, at, at + taken);
      this.#length += taken;
      if (end === -1) break;
      this.#endLine();
      at = end + 1;
    }
  }

  #endLine(): void {
    const marked = this.#delimiter.length;
    const begins = this.#length >= marked && this.#line.subarray(0, marked).equals(this.#delimiter);
    const closes = this.#line[marked] === dash && this.#line[marked + 1] === dash;
    if (begins && !(closes && this.#length === this.#line.length)) this.parts += 1;
    this.#length = 0;
  }
}
