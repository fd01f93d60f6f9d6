/**
 * Cuts off clients that take nothing of their answers: what is not taken is kept in memory, and the
 * connection with it. Looked at now and then, so that an answer that is taken at once costs nothing.
 */
import type { Socket } from 'node:net';

const checkIntervalMs = 1000;
/** Those who stopped at the same time are cut off in so many groups, and not all in one go. */
const groups = 20;

export class SlowReaders {
  readonly #stallMs: number;
  readonly #onDisconnect: () => void;
  /** Those that have something to take, and what listens for their time to be up. */
  readonly #slow = new Map<Socket, () => void>();
  readonly #timer: NodeJS.Timeout;
  #watched = 0;

  /**
   * @param stallMs who takes no byte for so long is cut off, within two seconds
   * @param busy connections whose requests are not all over
   * @param onDisconnect told of each
   */
  constructor(stallMs: number, busy: () => Iterable<Socket>, onDisconnect: () => void) {
    // Not less than the time between two looks: an answer that waits for us would be cut off.
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
    // Idle ones.
    for (const socket of before) this.#unwatch(socket);
  }

  /** Node's timer of a socket knows of bytes that were taken of a piece that is not yet through. */
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
