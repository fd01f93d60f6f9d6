/**
 * Disconnects clients that read no bytes of their answers, because unread answers stay in memory.
 * `write-buffer-limit.ts` bounds that memory. A timer checks all busy connections, so that an answer that is
 * read immediately costs nothing.
 */
import type { Socket } from 'node:net';

const checkIntervalMs = 1000;
/**
 * Number of groups with slightly different timeouts. Clients that stall together are disconnected in groups.
 */
const groups = 20;

export class SlowReaders {
  readonly #stallMs: number;
  readonly #onDisconnect: () => void;
  /** Connections with unread bytes, and their `timeout` listeners. */
  readonly #slow = new Map<Socket, () => void>();
  readonly #timer: NodeJS.Timeout;
  #watched = 0;

  /**
   * @param stallMs time without a byte read after which a client is disconnected, up to two seconds later
   * @param busy returns the connections with open exchanges
   * @param onDisconnect called for each client that is disconnected
   */
  constructor(stallMs: number, busy: () => Iterable<Socket>, onDisconnect: () => void) {
    // A shorter timeout could expire between two checks, although the client has read everything.
    this.#stallMs = Math.max(stallMs, 2 * checkIntervalMs);
    this.#onDisconnect = onDisconnect;
    this.#timer = setInterval(() => this.#check(busy()), checkIntervalMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #check(busy: Iterable<Socket>): void {
    const before = new Set(this.#slow.keys());
    for (const socket of busy) {
      const wasSlow = before.delete(socket);
      if (socket.writableLength > 0) {
        if (!wasSlow) this.#watch(socket);
      } else if (wasSlow) this.#unwatch(socket);
    }
    // The remaining connections are idle.
    for (const socket of before) this.#unwatch(socket);
  }

  /** Uses Node's socket timeout, because that timeout also sees partial progress within one large write. */
  #watch(socket: Socket): void {
    const onTimeout = (): void => {
      this.#unwatch(socket);
      this.#onDisconnect();
      socket.destroy();
    };
    this.#slow.set(socket, onTimeout);
    socket.once('timeout', onTimeout);
    this.#watched += 1;
    socket.setTimeout(this.#stallMs + ((this.#watched % groups) * checkIntervalMs) / groups);
  }

  #unwatch(socket: Socket): void {
    const onTimeout = this.#slow.get(socket);
    if (onTimeout === undefined) return;
    this.#slow.delete(socket);
    socket.removeListener('timeout', onTimeout);
    socket.setTimeout(0);
  }
}
