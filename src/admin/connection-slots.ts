/** Limits the connections of the admin port. A new connection evicts an older one when the limit is reached. */
import type { Socket } from 'node:net';

interface Slot {
  /** Whether the connection has received a whole request head, and its answer is not finished. */
  isBusy: boolean;
  /** Whether the connection has ever received a whole request head. */
  hasAsked: boolean;
  /** Time of the last change between idle and busy, in ms of `performance.now()`. */
  sinceMs: number;
}

/** Enough for scrapers, probes and a few people. */
const max = 32;
/**
 * Time in ms for which a connection without a request counts as new. New connections have a limit of their
 * own.
 */
const newForMs = 100;
const maxNew = 96;

export class ConnectionSlots {
  readonly #slots = new Map<Socket, Slot>();

  /** Adds a new connection, and evicts others if there are too many. */
  open(socket: Socket): void {
    this.#slots.set(socket, { isBusy: false, hasAsked: false, sinceMs: performance.now() });
    socket.once('close', () => this.#slots.delete(socket));
    this.#evictExcess();
    setTimeout(() => this.#evictExcess(), 2 * newForMs).unref();
  }

  /**
   * Marks the connection as busy when a request head has arrived.
   *
   * @returns `false` if the connection is closed and its request must not be answered
   */
  begin(socket: Socket): boolean {
    const slot = this.#slots.get(socket);
    if (slot === undefined) return false;
    // Pipelined requests are not served: one packet could ask for a hundred copies of the metrics.
    if (slot.isBusy) {
      this.#close(socket);
      return false;
    }
    Object.assign(slot, { isBusy: true, hasAsked: true, sinceMs: performance.now() });
    this.#evictExcess();
    return true;
  }

  /** Marks the connection as idle when its answer is sent, or can no longer be sent. */
  end(socket: Socket): void {
    const slot = this.#slots.get(socket);
    if (slot !== undefined) Object.assign(slot, { isBusy: false, sinceMs: performance.now() });
  }

  #evictExcess(): void {
    if (this.#slots.size <= max) return;
    const nowMs = performance.now();
    const isNew = ({ hasAsked, sinceMs }: Slot): boolean => !hasAsked && nowMs - sinceMs < newForMs;
    // Idle connections are evicted before busy ones, and the longest idle or busy first.
    const inOrder = [...this.#slots].sort(
      ([, one], [, other]) =>
        Number(one.isBusy) - Number(other.isBusy) || one.sinceMs - other.sinceMs,
    );
    const newcomers = inOrder.filter(([, slot]) => isNew(slot));
    const others = inOrder.filter(([, slot]) => !isNew(slot));
    const excess = [
      ...newcomers.slice(0, Math.max(0, newcomers.length - maxNew)),
      ...others.slice(0, Math.max(0, others.length - max)),
    ];
    for (const [socket] of excess) this.#close(socket);
  }

  #close(socket: Socket): void {
    this.#slots.delete(socket);
    socket.destroy();
  }
}
