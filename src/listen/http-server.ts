/** The server that clients reach: its limits, its answers to what is no HTTP, and how it drains. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, Server as SecureServer } from 'node:https';
import { Server as TcpServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { RefusalReason } from '../core/admit/admit.ts';
import { answerForRefusal } from '../core/answer/own-answers.ts';
import type { Reply } from '../core/messages/reply.ts';
import { fieldLines } from '../core/messages/http-message.ts';
import { addressName } from './client-address.ts';
import type { ClientExchange } from './client-exchange.ts';
import { Connections } from './connections.ts';
import { SlowReaders } from './slow-readers.ts';
import { announceKeepAlive } from './single-write-response.ts';

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly keepAliveTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly maxConnections: number;
  /** Requests, of all connections, that wait for earlier ones of their connection. */
  readonly maxPipelined?: number;
  /** Connections of one client address, unless its peer is trusted. */
  readonly maxConnectionsPerAddress?: number;
  /** Whether the peer is a proxy, whose connections carry the requests of many clients. */
  readonly isTrustedPeer?: (socket: Socket) => boolean;
  /** A client that takes nothing of an answer for so long is cut off. */
  readonly stallMs: number;
  /** What a client said of itself is kept for so long at most: heads are as long as tokens are. */
  readonly headsKeptMs?: number;
  readonly tls?: { readonly cert?: Buffer; readonly key?: Buffer };
}

export interface HttpServerHandlers {
  request(exchange: ClientExchange): void;
  expectation(exchange: ClientExchange): void;
  /** Something that never became a request was refused. */
  refused(reason: RefusalReason): void;
}

/** What one client address has. */
interface AddressUse {
  readonly address: string;
  connections: number;
}

/** Often, so that those whose time is up at the same time are not all answered in one go. */
const connectionsCheckingIntervalMs = 100;
const usualMaxPipelined = 10_000;
const usualHeadsKeptMs = 10_000;
const maxIdleCheckMs = 1000;
/** As Node has it: a client may begin at the last moment of the time that it was told. */
const keepAliveGraceMs = 1000;
/** How long a client that was refused may take to read the answer before its connection is destroyed. */
const lingerMs = 1000;
const minVersion = 'TLSv1.2';

export class HttpServer {
  readonly #server: Server;
  /** Raw TCP sockets, including those under TLS, each with the connections of its client address. */
  readonly #accepted = new Map<Socket, AddressUse>();
  readonly #byAddress = new Map<string, AddressUse>();
  /** One function for all connections, since thousands of them may be idle. */
  readonly #onClose: (this: Socket) => void;
  /** As requests know them. */
  readonly #connections: Connections;
  readonly #slowReaders: SlowReaders;
  readonly #handlers: HttpServerHandlers;
  readonly #options: HttpServerOptions;
  readonly #forgetTimer: NodeJS.Timeout;
  readonly #idleTimer: NodeJS.Timeout;
  #draining = false;

  constructor(options: HttpServerOptions, handlers: HttpServerHandlers) {
    this.#options = options;
    this.#connections = new Connections(options.maxPipelined ?? usualMaxPipelined);
    this.#handlers = handlers;
    const http = {
      // We see to it ourselves.
      keepAliveTimeout: 0,
      headersTimeout: options.headersTimeoutMs,
      requestTimeout: options.requestTimeoutMs,
      connectionsCheckingInterval: connectionsCheckingIntervalMs,
      // We answer it ourselves.
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
    // The size of the head is bounded; a bound on the count would drop fields in silence.
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
      exchange.startWhenAllowed(() => handlers.request(exchange));
    this.#server.on('request', (request, response) => serve(this.#begin(request, response)));
    this.#server.on('checkContinue', (request, response) => {
      sendContinue(response);
      serve(this.#begin(request, response));
    });
    this.#server.on('checkExpectation', (request, response) =>
      handlers.expectation(this.#begin(request, response)),
    );
    this.#server.on('connect', (_request, socket) => this.#refuse(socket, 501, 'method'));
    this.#server.on('clientError', (error: Error & { code?: string }, socket) => {
      if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
      // What comes behind it, or what the parser makes of a refused request's body, is nothing new.
      else if (this.#connections.isEnding(socket as Socket)) return;
      // Nor is what comes behind a request that says `Connection: close`: its answer ends the connection.
      else if (error.code === 'HPE_CLOSED_CONNECTION' && this.#connections.isBusy(socket as Socket))
        return;
      else if (error.code === 'HPE_HEADER_OVERFLOW') this.#refuse(socket, 431, 'head_too_large');
      else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') this.#refuse(socket, 408, 'slow_request');
      else this.#refuse(socket, 400, 'malformed');
    });
  }

  /** Open connections of clients. */
  get connections(): number {
    return this.#accepted.size;
  }

  /** The port it listens at, once it does. */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.port, this.#options.host, () => {
        this.#server.removeListener('error', reject);
        // A connection that cannot be accepted, for want of open files, is its client's loss only.
        this.#server.on('error', () => this.#handlers.refused('connections'));
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  }

  /** New connections are served with these; those that are open stay as they are. */
  renewTls(files: NonNullable<HttpServerOptions['tls']>): void {
    if (this.#server instanceof SecureServer)
      this.#server.setSecureContext({ ...files, minVersion });
  }

  /** From now on every answer closes its connection. */
  drain(): void {
    this.#draining = true;
    for (const { response } of this.#connections.openExchanges()) response.shouldKeepAlive = false;
  }

  /** Takes no more connections; idle ones are closed after a second without a byte. */
  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      // HTTP's own close() ends idle connections at once, and with them requests on their way.
      TcpServer.prototype.close.call(this.#server, () => {
        // Not listening any more, it only stops its timer.
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
    // An answer here would be taken for that of a request before it.
    if (this.#connections.isBusy(socket as Socket)) socket.destroy();
    else closeAfterAnswer(socket, serialize(answerForRefusal(status, reason, false)));
  }
}

/**
 * Writes a last answer, half-closes, reads what still comes for a second and throws it away, then destroys
 * the connection: closing at once could take the answer away from its client (RFC 9112 section 9.6), and
 * waiting for the client would let it keep the place of the connection.
 */
function closeAfterAnswer(socket: Duplex, answer: Buffer): void {
  socket.end(answer);
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(timer));
}

/**
 * Tells the client to go on, when it is his turn: of an answer that waits behind another one Node puts
 * the head in front of all that was written before, this here too.
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
