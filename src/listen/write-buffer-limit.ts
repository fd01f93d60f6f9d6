/**
 * Answers that came faster than their readers take them. They are kept, so that a slow reader holds
 * memory, which is bounded, and not a connection to the pool, which others wait for.
 */
import type { ServerResponse } from 'node:http';

export interface WriteBufferLimits {
  /** Of one answer. */
  readonly maxBytesEach: number;
  readonly maxBytes: number;
}

/** Of all of it, what one user may leave lying; one whole answer in any case. */
const userShare = 0.25;

export class WriteBufferLimiter {
  readonly #limits: WriteBufferLimits;
  readonly #byResponse = new Map<ServerResponse, number>();
  readonly #byUser = new Map<string, number>();
  readonly #maxBytesPerUser: number;
  #bytes = 0;

  constructor(limits: WriteBufferLimits) {
    this.#limits = limits;
    this.#maxBytesPerUser = Math.max(limits.maxBytesEach, limits.maxBytes * userShare);
  }

  /** Counts bytes that were written and not taken, until they are; whether so many may be kept. `user`: his credential. */
  reserve(response: ServerResponse, bytes: number, user: string): boolean {
    const before = this.#byResponse.get(response) ?? 0;
    const { maxBytesEach, maxBytes } = this.#limits;
    if (before + bytes > maxBytesEach || this.#bytes + bytes > maxBytes) return false;
    if ((this.#byUser.get(user) ?? 0) + bytes > this.#maxBytesPerUser) return false;
    this.#count(user, bytes);
    this.#byResponse.set(response, before + bytes);
    if (before === 0) {
      const { socket } = response.req;
      const taken = (): void => {
        this.#count(user, -(this.#byResponse.get(response) ?? 0));
        this.#byResponse.delete(response);
        response.removeListener('drain', taken);
        response.removeListener('close', taken);
        socket.removeListener('close', taken);
      };
      response.on('drain', taken);
      response.on('close', taken);
      // On Node 20 an answer that waits behind another one is not told.
      socket.on('close', taken);
    }
    return true;
  }

  #count(user: string, change: number): void {
    this.#bytes += change;
    const bytes = (this.#byUser.get(user) ?? 0) + change;
    if (bytes === 0) this.#byUser.delete(user);
    else this.#byUser.set(user, bytes);
  }
}
