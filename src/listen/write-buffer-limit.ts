/**
 * Answers that came faster than their readers take them. They are kept, so that a slow reader holds
 * memory, which is bounded, and not a connection to the pool, which others wait for.
 */
import type { ServerResponse } from 'node:http';

export interface UnreadLimits {
  /** Of one answer. */
  readonly maxBytesEach: number;
  readonly maxBytes: number;
}

/** Of all of it, what one user may leave lying; one whole answer in any case. */
const userShare = 0.25;

export class Unread {
  readonly #limits: UnreadLimits;
  readonly #kept = new Map<ServerResponse, number>();
  readonly #ofUser = new Map<string, number>();
  readonly #mostOfUser: number;
  #bytes = 0;

  constructor(limits: UnreadLimits) {
    this.#limits = limits;
    this.#mostOfUser = Math.max(limits.maxBytesEach, limits.maxBytes * userShare);
  }

  /** Counts bytes that were written and not taken, until they are; whether so many may be kept. `user`: his credential. */
  keep(response: ServerResponse, bytes: number, user: string): boolean {
    const before = this.#kept.get(response) ?? 0;
    const { maxBytesEach, maxBytes } = this.#limits;
    if (before + bytes > maxBytesEach || this.#bytes + bytes > maxBytes) return false;
    if ((this.#ofUser.get(user) ?? 0) + bytes > this.#mostOfUser) return false;
    this.#count(user, bytes);
    this.#kept.set(response, before + bytes);
    if (before === 0) {
      const { socket } = response.req;
      const taken = (): void => {
        this.#count(user, -(this.#kept.get(response) ?? 0));
        this.#kept.delete(response);
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
    const bytes = (this.#ofUser.get(user) ?? 0) + change;
    if (bytes === 0) this.#ofUser.delete(user);
    else this.#ofUser.set(user, bytes);
  }
}
