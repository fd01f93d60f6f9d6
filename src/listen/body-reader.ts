import type { IncomingMessage } from 'node:http';

const nothing = Buffer.alloc(0);

/** The share of one client address in all bytes that may be held. */
const addressShare = 0.25;

/**
 * Reads the bodies of calls that may be batched. What has come of all of them together is bounded, and of those
 * from one address; what is announced and does not come takes no room.
 */
export class BodyReader {
  readonly #maxBytes: number;
  readonly #byAddress = new Map<string, number>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Calls `done` with a body whose length was announced, once it is whole; at once where the length is 0.
   * Calls `overflow` instead when it has no room. Calls neither if the client leaves first. `address`: the name
   * of the client's.
   */
  read(
    request: IncomingMessage,
    lengthBytes: number,
    address: string,
    done: (body: Buffer) => void,
    overflow: () => void,
  ): void {
    if (lengthBytes === 0) {
      done(nothing);
      return;
    }
    const chunks: Buffer[] = [];
    let held = 0;
    const hold = (bytes: number): boolean => {
      const ofAddress = (this.#byAddress.get(address) ?? 0) + bytes;
      if (this.#bytes + bytes > this.#maxBytes) return false;
      if (ofAddress > Math.max(this.#maxBytes * addressShare, lengthBytes)) return false;
      held += bytes;
      this.#count(address, bytes);
      return true;
    };
    const release = (): void => {
      this.#count(address, -held);
      held = 0;
    };
    const take = (chunk: Buffer): void => {
      if (hold(chunk.length)) {
        chunks.push(chunk);
        return;
      }
      request.removeListener('data', take);
      request.removeListener('end', whole);
      request.resume();
      release();
      overflow();
    };
    const whole = (): void =>
      done(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    request.on('data', take);
    request.on('end', whole);
    request.once('close', release);
  }

  #count(address: string, change: number): void {
    this.#bytes += change;
    const bytes = (this.#byAddress.get(address) ?? 0) + change;
    if (bytes === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, bytes);
  }
}
