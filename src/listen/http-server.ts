/** The server for clients: its limits, its answers to malformed requests, and its shutdown. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as SecureServer } from 'node:https';
import { Server as TcpServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { PoolNames } from '../core/admit/pool-names.ts';
import type { RefusalReason } from '../core/admit/admit.ts';
import type { NameUser } from '../core/admit/request-head-cache.ts';
import { answerForRefusal } from '../core/answer/own-answers.ts';
import { type CertificatePair, Certificates } from './certificates.ts';
import { addressName } from './client-address.ts';
import type { ClientExchange } from './client-exchange.ts';
import { type AddressUse, ConnectionCounts } from './connection-counts.ts';
import { Connections } from './connections.ts';
import { createClientServer, minVersion } from './create-server.ts';
import { Sessions } from './http2/sessions.ts';
import { sendContinue } from './incoming-body.ts';
import { closeAfterAnswer } from './last-answer.ts';
import { SlowReaders } from './slow-readers.ts';
import { StoppedBodies } from './stopped-bodies.ts';
import { UnfinishedHeads } from './unfinished-heads.ts';
import { announceKeepAlive } from './write-reply.ts';

/** The certificates of the server. */
export interface ListenTls extends CertificatePair {
  /** Further certificates, each for its own names. */
  readonly more?: readonly CertificatePair[];
}

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly keepAliveTimeoutMs: number;
  readonly headersTimeoutMs: number;
  /** Time in ms without a byte of a body after which the body has stopped. See `StoppedBodies`. */
  readonly requestTimeoutMs: number;
  readonly maxConnections: number;
  readonly nameUser: NameUser;
  /** Limit for the bytes of all unfinished heads. */
  readonly maxUnfinishedHeadBytes?: number;
  /** Limit for the waiting pipelined requests of all connections. */
  readonly maxPipelined?: number;
  /** Counts and limits the connections. The default has no limit for a client address. */
  readonly counts?: ConnectionCounts;
  /** Whether the peer is a trusted proxy. Its connections carry the requests of many clients. */
  readonly isTrustedPeer?: (socket: Socket) => boolean;
  /** Time in ms after which a client that reads no byte of its answer is disconnected. */
  readonly stallMs: number;
  /** Maximum age of the request-head cache, in ms. Heads contain tokens, so they are large. */
  readonly headsKeptMs?: number;
  /** The names of all pools. */
  readonly names: PoolNames;
  readonly tls?: ListenTls;
  /** Whether clients may use HTTP/2: with TLS by negotiation, else with prior knowledge. */
  readonly http2?: boolean;
}

export interface HttpServerHandlers {
  handle(exchange: ClientExchange): void;
  refuseExpectation(exchange: ClientExchange): void;
  /** Refuses a request with a body that has stopped. */
  refuseBody(exchange: ClientExchange): void;
  /** Reports input that was refused before it became a request. */
  refused(reason: RefusalReason): void;
}

const usualMaxPipelined = 10_000;
const usualHeadsKeptMs = 10_000;
const maxIdleCheckMs = 1000;
/**
 * Additional idle time beyond the announced timeout, as in Node. A client may send a request just before it.
 */
const keepAliveGraceMs = 1000;
/** Interval of the checks for bodies that have stopped: a share of the timeout, at most `bodyCheckMaxMs`. */
const bodyCheckShare = 1 / 8;
const bodyCheckMaxMs = 1000;
/** Interval of the checks of unfinished heads. It is short, because a head can arrive quickly. */
const headCheckMs = 250;

export class HttpServer {
  readonly #server: Server;
  #certificates: Certificates;
  /** Raw TCP sockets, including those under TLS, each with the connections of its client address. */
  readonly #accepted = new Map<Socket, AddressUse>();
  readonly #counts: ConnectionCounts;
  /** One listener for all connections saves memory: thousands of connections may be idle. */
  readonly #onClose: (this: Socket) => void;
  /** The sockets of requests. With TLS these are the TLS sockets. */
  readonly #connections: Connections;
  readonly #slowReaders: SlowReaders;
  readonly #handlers: HttpServerHandlers;
  readonly #options: HttpServerOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  /** The connections with HTTP/2; `undefined` without HTTP/2. */
  readonly #sessions: Sessions | undefined;
  #draining = false;

  constructor(options: HttpServerOptions, handlers: HttpServerHandlers) {
    this.#options = options;
    this.#connections = new Connections(
      options.maxPipelined ?? usualMaxPipelined,
      options.nameUser,
      options.names,
    );
    this.#handlers = handlers;
    this.#counts = options.counts ?? new ConnectionCounts(options.maxConnections, Infinity);
    this.#certificates = new Certificates(options.tls?.more ?? [], { minVersion });
    this.#server = createClientServer({
      ...options,
      findCertificate: (name) => this.#certificates.find(name),
    });
    const leave = (socket: Socket): void => this.#leave(socket);
    this.#onClose = function onClose() {
      leave(this);
    };
    const ready = options.tls === undefined ? 'connection' : 'secureConnection';
    const opened = (socket: Socket): void => void this.#connections.open(socket);
    if (options.http2 === true) {
      this.#sessions = new Sessions(this.#server, ready, {
        headersTimeoutMs: options.headersTimeoutMs,
        idleTimeoutMs: options.keepAliveTimeoutMs + keepAliveGraceMs,
        stallMs: options.stallMs,
        maxHeadBytes: options.maxUnfinishedHeadBytes ?? Infinity,
        refused: (reason) => handlers.refused(reason),
        http1: opened,
        late: (socket) => this.#refuse(socket, 408, 'slow_request'),
      });
    }
    this.#server.on('connection', (socket: Socket) => {
      this.#accept(socket);
    });
    if (this.#sessions === undefined) this.#server.on(ready, opened);
    this.#server.on('drop', () => handlers.refused('connections'));
    this.#slowReaders = new SlowReaders(
      options.stallMs,
      () => this.#connections.busy(),
      () => handlers.refused('slow_reader'),
    );
    this.#every(options.headsKeptMs ?? usualHeadsKeptMs, () => this.#connections.forgetHeads());
    const { keepAliveTimeoutMs, requestTimeoutMs } = options;
    this.#every(Math.min(keepAliveTimeoutMs / 2, maxIdleCheckMs), () =>
      this.#connections.closeIdle(keepAliveTimeoutMs + keepAliveGraceMs, performance.now()),
    );
    const bodies = new StoppedBodies(requestTimeoutMs);
    this.#every(Math.min(requestTimeoutMs * bodyCheckShare, bodyCheckMaxMs), () => {
      const stopped = bodies.find(this.#connections, performance.now());
      for (const exchange of stopped) this.#bodyStopped(exchange);
    });
    const heads = new UnfinishedHeads<Socket>(
      options.maxUnfinishedHeadBytes ?? Infinity,
      options.headersTimeoutMs,
    );
    this.#every(headCheckMs, () => {
      const { count } = this.#connections;
      for (const socket of heads.findExcess(count, this.#connections, performance.now())) {
        handlers.refused('head_too_large');
        socket.destroy();
      }
    });
    const serve = (exchange: ClientExchange): void =>
      exchange.startWhenAllowed(() => handlers.handle(exchange));
    this.#server.on('request', (request, response) => serve(this.#begin(request, response)));
    this.#server.on('checkContinue', (request, response) => {
      const exchange = this.#begin(request, response);
      sendContinue(exchange);
      serve(exchange);
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
  renewTls({ more = [], ...pair }: ListenTls): void {
    this.#certificates = new Certificates(more, { minVersion });
    if (this.#server instanceof SecureServer) {
      this.#server.setSecureContext({ ...pair, minVersion });
    }
  }

  /** Makes each further answer close its connection. */
  drain(): void {
    this.#draining = true;
    this.#sessions?.drain();
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
    this.#sessions?.close();
    return closed;
  }

  /** Closes every connection at once. */
  destroy(): void {
    this.#slowReaders.stop();
    this.#sessions?.destroy();
    for (const timer of this.#timers) clearInterval(timer);
    this.#server.closeAllConnections();
    for (const socket of this.#accepted.keys()) socket.destroy();
  }

  #every(ms: number, act: () => void): void {
    this.#timers.push(setInterval(act, ms).unref());
  }

  #accept(socket: Socket): void {
    const isTrusted = (): boolean => this.#options.isTrustedPeer?.(socket) === true;
    const use = this.#counts.open(addressName(socket.remoteAddress ?? ''), isTrusted);
    if (use === undefined) {
      this.#handlers.refused('connections');
      socket.destroy();
      return;
    }
    this.#accepted.set(socket, use);
    socket.on('close', this.#onClose);
  }

  #leave(socket: Socket): void {
    const use = this.#accepted.get(socket);
    if (use === undefined) return;
    this.#accepted.delete(socket);
    this.#counts.close(use);
  }

  #begin(request: IncomingMessage, response: ServerResponse): ClientExchange {
    if (this.#draining) response.shouldKeepAlive = false;
    announceKeepAlive(response, this.#options.keepAliveTimeoutMs);
    return this.#connections.begin(request, response);
  }

  #bodyStopped(exchange: ClientExchange): void {
    if (exchange.response.writableEnded) {
      // The client received its answer, and does not send the rest of its body.
      this.#handlers.refused('slow_request');
      exchange.request.socket.destroy();
    } else if (exchange.body?.refuse === undefined) this.#handlers.refuseBody(exchange);
    else exchange.body.refuse();
  }

  #refuse(socket: Duplex, status: number, reason: RefusalReason): void {
    this.#handlers.refused(reason);
    // A client would read an answer here as the answer to an earlier request.
    if (this.#connections.isBusy(socket as Socket)) socket.destroy();
    else closeAfterAnswer(socket, answerForRefusal(status, reason, false));
  }
}
