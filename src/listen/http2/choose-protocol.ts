/** Finds out whether a new connection speaks HTTP/2 or HTTP/1.1. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** The names for the negotiation inside of TLS (ALPN), the preferred one first. */
export const alpnProtocols = ['h2', 'http/1.1'];

/** The start of the first bytes of HTTP/2 (RFC 9113 section 3.4). No method of HTTP/1.1 begins with it. */
const preface = Buffer.from('PRI ');

interface Protocols {
  /** Takes a connection of HTTP/2. */
  readonly http2: (socket: Socket) => void;
  /** Called after node:http has taken a connection of HTTP/1.1. */
  readonly http1: (socket: Socket) => void;
  /** Called for a client that does not send enough bytes within `timeoutMs`. */
  readonly late: (socket: Socket) => void;
  readonly timeoutMs: number;
}

/**
 * Gives each new connection to its protocol. To be called before other listeners are added to the event.
 *
 * @param event `secureConnection` with TLS, where ALPN decides; else `connection`, where the first bytes decide
 */
export function chooseProtocol(
  server: Server,
  event: 'connection' | 'secureConnection',
  protocols: Protocols,
): void {
  const listeners = server.listeners(event) as Array<(this: Server, socket: Socket) => void>;
  server.removeAllListeners(event);
  const http1 = (socket: Socket): void => {
    for (const listener of listeners) listener.call(server, socket);
    protocols.http1(socket);
  };
  server.on(event, (socket: Socket) => {
    if (!(socket instanceof TLSSocket)) sniff(socket, http1, protocols);
    else if (socket.alpnProtocol === 'h2') protocols.http2(socket);
    else http1(socket);
  });
}

function sniff(
  socket: Socket,
  http1: (socket: Socket) => void,
  { http2, late, timeoutMs }: Protocols,
): void {
  let received: Buffer = Buffer.alloc(0);
  const decide = (take: (socket: Socket) => void): void => {
    clearTimeout(timer);
    socket.removeListener('readable', read);
    socket.removeListener('error', ignore);
    socket.removeListener('close', stop);
    if (received.length > 0) socket.unshift(received);
    take(socket);
  };
  const read = (): void => {
    for (;;) {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) break;
      received = Buffer.concat([received, chunk]);
    }
    const start = received.subarray(0, preface.length);
    if (!start.equals(preface.subarray(0, start.length)) || socket.readableEnded) decide(http1);
    else if (start.length === preface.length) decide(http2);
  };
  const ignore = (): void => undefined;
  const stop = (): void => clearTimeout(timer);
  const timer = setTimeout(() => decide(late), timeoutMs);
  socket.on('error', ignore);
  socket.on('close', stop);
  socket.on('readable', read);
}
