/** The server for clients: its limits, its answers to malformed requests, and its shutdown. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, Server as SecureServer } from 'node:https';
import { Server as TcpServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { PoolNames } from '../core/admit/pool-names.ts';
import type { RefusalReason } from '../core/admit/admit.ts';
import type { NameUser } from '../core/admit/request-head-cache.ts';
import { answerForRefusal } from '../core/answer/own-answers.ts';
import type { Reply } from '../core/messages/reply.ts';
import { fieldLines } from '../core/messages/http-message.ts';
import { addressName } from './client-address.ts';
import type { ClientExchange } from './client-exchange.ts';
import { Connections } from './connections.ts';
import { SlowReaders } from './slow-readers.ts';
import { announceKeepAlive } from './write-reply.ts';

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly keepAliveTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly maxConnections: number;
  readonly nameUser: NameUser;
  /** Limit for the waiting pipelined requests of all connections. */
  readonly maxPipelined?: number;
  /** Limit for the connections of one client address. Trusted peers have no such limit. */
  readonly maxConnectionsPerAddress?: number;
  /** Whether the peer is a trusted proxy. Its connections carry the requests of many clients. */
  readonly isTrustedPeer?: (socket: Socket) => boolean;
  /** Time in ms after which a client that reads no byte of its answer is disconnected. */
  readonly stallMs: number;
  /** Maximum age of the request-head cache, in ms. Heads contain tokens, so they are large. */
  readonly headsKeptMs?: number;
  /** The names of all pools. */
  readonly names: PoolNames;
  readonly tls?: { readonly cert?: Buffer; readonly key?: Buffer };
}

export interface HttpServerHandlers {
  handle(exchange: ClientExchange): void;
  refuseExpectation(exchange: ClientExchange): void;
  /** Reports input that was refused before it became a request. */
  refused(reason: RefusalReason): void;
}

/** The open connections of one client address. */
interface AddressUse {
  readonly address: string;
  connections: number;
}

/** Interval of Node's checks for slow requests. It is short, so that each check answers only a few clients. */
const connectionsCheckingIntervalMs = 100;
const usualMaxPipelined = 10_000;
const usualHeadsKeptMs = 10_000;
const maxIdleCheckMs = 1000;
/**
 * Additional idle time beyond the announced timeout, as in Node. A client may send a request just before it.
 */
const keepAliveGraceMs = 1000;
/** Time in ms that a refused client has to read the answer before its connection is destroyed. */
const discardMs = 1000;
const minVersion = 'TLSv1.2';

export class HttpServer {
  readonly #server: Server;
  /** Raw TCP sockets, including those under TLS, each with the connections of its client address. */
  readonly #accepted = new Map<Socket, AddressUse>();
  readonly #byAddress = new Map<string, AddressUse>();
  /** One listener for all connections saves memory: thousands of connections may be idle. */
  readonly #onClose: (this: Socket) => void;
  /** The sockets of requests. With TLS these are the TLS sockets. */
  readonly #connections: Connections;
  readonly #slowReaders: SlowReaders;
  readonly #handlers: HttpServerHandlers;
  readonly #options: HttpServerOptions;
  readonly #forgetTimer: NodeJS.Timeout;
  readonly #idleTimer: NodeJS.Timeout;
  #draining = false;

  constructor(options: HttpServerOptions, handlers: HttpServerHandlers) {
    this.#options = options;
    this.#connections = new Connections(
      options.maxPipelined ?? usualMaxPipelined,
      options.nameUser,
      options.names,
    );
    this.#handlers = handlers;
    const http = {
      // `closeIdle` closes idle connections.
      keepAliveTimeout: 0,
      headersTimeout: options.headersTimeoutMs,
      requestTimeout: options.requestTimeoutMs,
      connectionsCheckingInterval: connectionsCheckingIntervalMs,
      // The request handler refuses requests without `Host`.
      requireHostHeader: false,
    };
    this.#server =
      options.tls === undefined
        ? createServer(http)
        : createSecureServer({
            ...http,
            ...options.tls,
            minVersion,
            handshakeTimeout: options.headersTimeoutMs,
          });
    this.#server.maxConnections = options.maxConnections;
    // Node silently drops fields above this count. Its limit for the size of a head still applies.
    this.#server.maxHeadersCount = 0;
    const leave = (socket: Socket): void => this.#leave(socket);
    this.#onClose = function onClose() {
      leave(this);
    };
    this.#server.on('connection', (socket: Socket) => {
      this.#accept(socket);
    });
    const ready = options.tls === undefined ? 'connection' : 'secureConnection';
    this.#server.on(ready, (socket: Socket) => void this.#connections.open(socket));
    this.#server.on('drop', () => handlers.refused('connections'));
    this.#slowReaders = new SlowReaders(
      options.stallMs,
      () => this.#connections.busy(),
      () => handlers.refused('slow_reader'),
    );
    this.#forgetTimer = setInterval(
      () => this.#connections.forgetHeads(),
      options.headsKeptMs ?? usualHeadsKeptMs,
    );
    this.#forgetTimer.unref();
    const { keepAliveTimeoutMs } = options;
    this.#idleTimer = setInterval(
      () => this.#connections.closeIdle(keepAliveTimeoutMs + keepAliveGraceMs, performance.now()),
      Math.min(keepAliveTimeoutMs / 2, maxIdleCheckMs),
    );
    this.#idleTimer.unref();
    const serve = (exchange: ClientExchange): void =>
      exchange.startWhenAllowed(() => handlers.handle(exchange));
    this.#server.on('request', (request, response) => serve(this.#begin(request, response)));
    this.#server.on('checkContinue', (request, response) => {
      sendContinue(response);
      serve(this.#begin(request, response));
    });
    this.#server.on('checkExpectation', (request, response) =>
      handlers.refuseExpectation(this.#begin(request, response)),
    );
    this.#server.on('connect', (_request, socket) => this.#refuse(socket, 501, 'method'));
    this.#server.on('clientError', (error: Error & { code?: string }, socket) => {
      if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
      // The connection is about to close, so bytes after the last request, or after a refused one, do not
      // matter.
      else if (this.#connections.isEnding(socket as Socket)) return;
      // The bytes follow a request with `Connection: close`. The answer to that request ends the connection.
      else if (error.code === 'HPE_CLOSED_CONNECTION' && this.#connections.isBusy(socket as Socket))
        return;
      else if (error.code === 'HPE_HEADER_OVERFLOW') this.#refuse(socket, 431, 'head_too_large');
      else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') this.#refuse(socket, 408, 'slow_request');
      else this.#refuse(socket, 400, 'malformed');
    });
  }

  /** Number of open connections of clients. */
  get connections(): number {
    return this.#accepted.size;
  }

  /** Starts the server and returns its port. */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.port, this.#options.host, () => {
        this.#server.removeListener('error', reject);
        // A failure to accept a connection, such as a lack of file descriptors, affects only that client.
        this.#server.on('error', () => this.#handlers.refused('connections'));
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  }

  /** Uses these TLS files for new connections. Open connections do not change. */
  renewTls(files: NonNullable<HttpServerOptions['tls']>): void {
    if (this.#server instanceof SecureServer)
      this.#server.setSecureContext({ ...files, minVersion });
  }

  /** Makes each further answer close its connection. */
  drain(): void {
    this.#draining = true;
    for (const { response } of this.#connections.openExchanges()) response.shouldKeepAlive = false;
  }

  /** Stops accepting connections, and closes each open one when it has been idle for a second. */
  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      // `http.Server.close()` closes idle connections immediately, and would lose requests in transit.
      TcpServer.prototype.close.call(this.#server, () => {
        // The server no longer listens, so this call only stops its timer.
        this.#server.close();
        resolve();
      });
    });
    this.#connections.close();
    return closed;
  }

  /** Closes every connection at once. */
  destroy(): void {
    this.#slowReaders.stop();
    clearInterval(this.#forgetTimer);
    clearInterval(this.#idleTimer);
    this.#server.closeAllConnections();
    for (const socket of this.#accepted.keys()) socket.destroy();
  }

  #accept(socket: Socket): void {
    const { maxConnectionsPerAddress = Infinity, isTrustedPeer } = this.#options;
    const { remoteAddress = '' } = socket;
    const address = addressName(remoteAddress);
    const use = this.#byAddress.get(address) ?? { address, connections: 0 };
    if (use.connections >= maxConnectionsPerAddress && isTrustedPeer?.(socket) !== true) {
      this.#handlers.refused('connections');
      socket.destroy();
      return;
    }
    use.connections += 1;
    this.#byAddress.set(address, use);
    this.#accepted.set(socket, use);
    socket.on('close', this.#onClose);
  }

  #leave(socket: Socket): void {
    const use = this.#accepted.get(socket);
    if (use === undefined) return;
    this.#accepted.delete(socket);
    use.connections -= 1;
    if (use.connections === 0) this.#byAddress.delete(use.address);
  }

  #begin(request: IncomingMessage, response: ServerResponse): ClientExchange {
    if (this.#draining) response.shouldKeepAlive = false;
    announceKeepAlive(response, this.#options.keepAliveTimeoutMs);
    return this.#connections.begin(request, response);
  }

  #refuse(socket: Duplex, status: number, reason: RefusalReason): void {
    this.#handlers.refused(reason);
    // A client would read an answer here as the answer to an earlier request.
    if (this.#connections.isBusy(socket as Socket)) socket.destroy();
    else closeAfterAnswer(socket, serialize(answerForRefusal(status, reason, false)));
  }
}

/**
 * Writes a last answer, half-closes the connection, discards input for `discardMs`, and destroys the
 * connection. An immediate close could make the client's system discard the answer (RFC 9112 section 9.6).
 * Without the time limit the client could keep the connection open.
 */
function closeAfterAnswer(socket: Duplex, answer: Buffer): void {
  socket.end(answer);
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), discardMs);
  socket.once('close', () => clearTimeout(timer));
}

/**
 * Sends `100 Continue` when it is the turn of the response. For a pipelined response that waits, Node would
 * write the head of the answer before a `100 Continue` that was written earlier.
 */
function sendContinue(response: ServerResponse): void {
  if (response.socket !== null) response.writeContinue();
  else {
    response.once('socket', () => {
      if (!response.headersSent) response.writeContinue();
    });
  }
}

function serialize(reply: Reply): Buffer {
  const reasons: Record<number, string> = {
    400: 'Bad Request',
    408: 'Request Timeout',
    431: 'Request Header Fields Too Large',
    501: 'Not Implemented',
  };
  const fields = ['Content-Length', String(reply.body.length), 'Connection', 'close'];
  const lines = fieldLines([...reply.headers, ...fields]) ?? '';
  const head = `HTTP/1.1 ${reply.status} ${reasons[reply.status] ?? ''}\r\n${lines}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), reply.body]);
}
