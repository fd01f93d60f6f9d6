/** The connections that the admin port has room for, and which one goes when there is none left. */
import type { Socket } from 'node:net';

interface Slot {
  /** The head of a request has come whole, and its answer is not over. */
  isBusy: boolean;
  /** Whether the head of one has ever come whole. */
  hasAsked: boolean;
  /** Since when it is idle or busy, in milliseconds of a monotonic clock. */
  sinceMs: number;
}

/** Scrapers, probes and a person or two. */
const max = 32;
/** A connection that has not asked yet is a newcomer for so long, and takes no other's place. */
const newForMs = 100;
const maxNew = 96;

export class ConnectionSlots {
  readonly #slots = new Map<Socket, Slot>();

  /** A connection came: it stays. */
  open(socket: Socket): void {
    this.#slots.set(socket, { isBusy: false, hasAsked: false, sinceMs: performance.now() });
    socket.once('close', () => this.#slots.delete(socket));
    this.#evictExcess();
    setTimeout(() => this.#evictExcess(), 2 * newForMs).unref();
  }

  /** The head of a request has come whole. False: it is not to be answered, its connection is closed. */
  begin(socket: Socket): boolean {
    const slot = this.#slots.get(socket);
    if (slot === undefined) return false;
    // Who asks again before the answer could have a hundred of them copied for every packet.
    if (slot.isBusy) {
      this.#close(socket);
      return false;
    }
    Object.assign(slot, { isBusy: true, hasAsked: true, sinceMs: performance.now() });
    this.#evictExcess();
    return true;
  }

  /** The system has taken all of the answer, or nobody will. */
  end(socket: Socket): void {
    const slot = this.#slots.get(socket);
    if (slot !== undefined) Object.assign(slot, { isBusy: false, sinceMs: performance.now() });
  }

  #evictExcess(): void {
    if (this.#slots.size <= max) return;
    const nowMs = performance.now();
    const isNew = ({ hasAsked, sinceMs }: Slot): boolean => !hasAsked && nowMs - sinceMs < newForMs;
    // Idle connections go first, then busy ones, and of each those that are so for longest.
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
