/** Watches over one connection to the pool on behalf of its label, for all kinds of connections. */
import type { ConnectionLabel } from './connection-label.ts';
import type { FaultName } from './messages/fault.ts';

/** Learns why the proxy closed a connection to the pool, and what failed. */
export interface ConnectionObserver {
  /** The pool sent bytes that no request asked for. */
  unsolicited(): void;
  /** The proxy would have broken invariant I9. */
  internalError(error: unknown): void;
  /** A request or a connection failed, and the proxy did not end it. */
  failed?(name: FaultName, error: unknown): void;
}

/** The part of a socket that the guard uses. */
interface Writable {
  write: (...args: never[]) => boolean;
  destroy(): unknown;
}

/** Replaces `socket.write`: if the label forbids a write, nothing is written and the socket is destroyed. */
export function guardWrites(
  socket: Writable,
  label: Pick<ConnectionLabel, 'assertMayWrite'>,
  observer: Pick<ConnectionObserver, 'internalError'>,
): void {
  const write = socket.write.bind(socket);
  socket.write = (...args) => {
    try {
      label.assertMayWrite();
    } catch (error) {
      observer.internalError(error);
      socket.destroy();
      return false;
    }
    return write(...args);
  };
}
