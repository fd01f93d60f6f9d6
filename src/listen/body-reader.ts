import type { ClientExchange } from './client-exchange.ts';

/** Share of the byte limit that one client address can use. */
const addressShare = 0.25;

/**
 * Reads the bodies of batchable calls. The received bytes of all bodies, and of one client address, are
 * limited. Announced bytes that have not arrived do not count.
 */
export class BodyReader {
  readonly #maxBytes: number;
  readonly #byAddress = new Map<string, number>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Reads the body of a request. Exactly one of the callbacks runs, or none if the client disconnects.
   *
   * @param lengthBytes announced length, at least 1
   * @param address see `addressName`
   * @param done receives the complete body
   * @param refuse called if a limit is reached, or if the body stops; the rest of the body is discarded
   */
  read(
    { request, body }: Pick<ClientExchange, 'request' | 'body'>,
    lengthBytes: number,
    address: string,
    done: (body: Buffer) => void,
    refuse: (reason: 'queue_bytes' | 'slow_request') => void,
  ): void {
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
      discard('queue_bytes');
    };
    const discard = (reason: 'queue_bytes' | 'slow_request'): void => {
      request.removeListener('data', take);
      request.removeListener('end', whole);
      request.resume();
      release();
      chunks.length = 0;
      refuse(reason);
    };
    const whole = (): void =>
      done(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    request.on('data', take);
    request.on('end', whole);
    request.once('close', release);
    if (body === undefined) return;
    body.isBuffered = true;
    body.refuse = () => discard('slow_request');
  }

  #count(address: string, change: number): void {
    this.#bytes += change;
    const bytes = (this.#byAddress.get(address) ?? 0) + change;
    if (bytes === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, bytes);
  }
}
