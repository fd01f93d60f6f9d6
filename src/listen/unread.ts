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

export class Unread {
  readonly #limits: UnreadLimits;
  readonly #kept = new Map<ServerResponse, number>();
  #bytes = 0;

  constructor(limits: UnreadLimits) {
    this.#limits = limits;
  }

  /** Counts bytes that were written and not taken, until they are; whether so many may be kept. */
  keep(response: ServerResponse, bytes: number): boolean {
    const before = this.#kept.get(response) ?? 0;
    const { maxBytesEach, maxBytes } = this.#limits;
    if (before + bytes > maxBytesEach || this.#bytes + bytes > maxBytes) return false;
    this.#bytes += bytes;
    this.#kept.set(response, before + bytes);
    if (before === 0) {
      const { socket } = response.req;
      const taken = (): void => {
        this.#bytes -= this.#kept.get(response) ?? 0;
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
}
