/**
 * Opens connections to a pool of several servers. If a server takes no connection, the next one is tried. The
 * request learns nothing of it, so this works for each method and each body.
 */
import type { Agent } from 'node:http';
import type { Socket } from 'node:net';
import type { Server } from '../core/servers/server.ts';

export interface ServerRoute {
  /** Returns the server to connect to, or `undefined` if all were tried. */
  next(tried: ReadonlySet<Server>): Server | undefined;
  connectFailed(server: Server): void;
  /** Called before a connection is opened. */
  opening(): void;
  /** Whether a connection to this server may serve a further request. */
  mayKeep(server: Server): boolean;
}

/** How connections are opened. */
export interface Opening {
  /** Opens one connection, and bounds the time for it. */
  readonly open: (server: Server, options: object) => Socket;
  /** Whether a further connection may be opened. */
  readonly mayOpen: () => boolean;
  /** Receives a function that ends the opening. It does nothing once the connection is established. */
  readonly began: (abandon: () => void) => void;
}

/**
 * @param connected called with each connection that was established
 */
export function connectInTurn(
  route: ServerRoute,
  { open, mayOpen, began }: Opening,
  readyEvent: 'connect' | 'secureConnect',
  connected: (socket: Socket, server: Server) => void,
): Agent['createConnection'] {
  return (options, callback) => {
    const tried = new Set<Server>();
    let isAbandoned = false;
    let opening: Socket | undefined;
    const tryNext = (error?: Error): void => {
      const server = mayOpen() && !isAbandoned ? route.next(tried) : undefined;
      if (server === undefined) {
        // Node reads no socket if there is an error.
        callback?.(error ?? new Error('no server'), undefined as never);
        return;
      }
      tried.add(server);
      route.opening();
      const socket = open(server, options);
      opening = socket;
      let failure: Error | undefined;
      const noteError = (cause: Error): void => void (failure = cause);
      const fail = (): void => {
        if (failure !== undefined) route.connectFailed(server);
        tryNext(failure);
      };
      socket.once('error', noteError);
      socket.once('close', fail);
      socket.once(readyEvent, () => {
        socket.removeListener('error', noteError);
        socket.removeListener('close', fail);
        opening = undefined;
        connected(socket, server);
        callback?.(null, socket);
      });
    };
    tryNext();
    began(() => {
      isAbandoned = true;
      opening?.destroy();
    });
    return undefined;
  };
}
