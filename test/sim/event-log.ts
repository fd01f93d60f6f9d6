/** The log of a run: a hash of all that happened, and the last lines. */
import { createHash, type Hash } from 'node:crypto';

const maxKept = 4000;

export class EventLog {
  readonly #hash: Hash = createHash('sha256');
  readonly #last: string[] = [];

  add(line: string, bytes?: Uint8Array): void {
    this.#hash.update(line);
    this.#hash.update('\n');
    if (bytes !== undefined) this.#hash.update(bytes);
    this.#last.push(line);
    if (this.#last.length > 2 * maxKept) this.#last.splice(0, maxKept);
  }

  last(count: number): readonly string[] {
    return this.#last.slice(-count);
  }

  /** The hash of the whole log. To be called once. */
  digest(): string {
    return this.#hash.digest('hex').slice(0, 16);
  }
}
