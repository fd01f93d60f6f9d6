/**
 * Limits the answers that are buffered for slow readers. With the buffer a slow reader uses memory, which is
 * limited, and no connection to the pool, which other calls need.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface WriteBufferLimits {
  /** Limit for one answer. */
  readonly maxBytesEach: number;
  /** Limit for all answers. */
  readonly maxBytes: number;
}

/** Share of `maxBytes` that one user can use. A user can always use `maxBytesEach`. */
const userShare = 0.25;

export class WriteBufferLimiter {
  readonly #limits: WriteBufferLimits;
  readonly #byResponse = new Map<ServerResponse, number>();
  readonly #byUser = new Map<string, number>();
  readonly #bySocket = new WeakMap<Socket, Set<() => void>>();
  readonly #maxBytesPerUser: number;
  #bytes = 0;

  constructor(limits: WriteBufferLimits) {
    this.#limits = limits;
    this.#maxBytesPerUser = Math.max(limits.maxBytesEach, limits.maxBytes * userShare);
  }

  /**
   * Counts buffered bytes until the response has drained to the socket, or its connection has closed.
   *
   * @param user the name of the user
   * @returns `false` if a limit is reached; then nothing is counted
   */
  reserve(response: ServerResponse, bytes: number, user: string): boolean {
    const before = this.#byResponse.get(response) ?? 0;
    const { maxBytesEach, maxBytes } = this.#limits;
    if (before + bytes > maxBytesEach || this.#bytes + bytes > maxBytes) return false;
    if ((this.#byUser.get(user) ?? 0) + bytes > this.#maxBytesPerUser) return false;
    this.#count(user, bytes);
    this.#byResponse.set(response, before + bytes);
    if (before === 0) {
      const { socket } = response.req;
      const waiting = this.#waitingOf(socket);
      const taken = (): void => {
        this.#count(user, -(this.#byResponse.get(response) ?? 0));
        this.#byResponse.delete(response);
        response.removeListener('drain', taken);
        response.removeListener('close', taken);
        waiting.delete(taken);
      };
      response.on('drain', taken);
      response.on('close', taken);
      // Node 20 emits no `close` on a pipelined response that has no socket yet.
      waiting.add(taken);
    }
    return true;
  }

  /** Returns what is called when the connection closes. All its responses share a listener. */
  #waitingOf(socket: Socket): Set<() => void> {
    const known = this.#bySocket.get(socket);
    if (known !== undefined) return known;
    const waiting = new Set<() => void>();
    this.#bySocket.set(socket, waiting);
    socket.once('close', () => {
      for (const taken of waiting) taken();
    });
    return waiting;
  }

  #count(user: string, change: number): void {
    this.#bytes += change;
    const bytes = (this.#byUser.get(user) ?? 0) + change;
    if (bytes === 0) this.#byUser.delete(user);
    else this.#byUser.set(user, bytes);
  }
}
