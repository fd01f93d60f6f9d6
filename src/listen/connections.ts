/** The connections of clients, their open exchanges, and the request heads that they share. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { PoolNames } from '../core/admit/pool-names.ts';
import { type NameUser, RequestHeadCache } from '../core/admit/request-head-cache.ts';
import { ClientConnection, ClientExchange, type PipelinedCount } from './client-exchange.ts';

/**
 * Limit for the request-head cache. It holds some thousand busy users, and is small beside the smallest heap.
 */
const maxHeadsBytes = 4 * 1024 * 1024;
/**
 * Limit for the waiting pipelined requests of one connection. One read (64 KiB) holds fewer requests than
 * this.
 */
const maxPipelinedEach = 4096;
/** Time in ms before an idle connection is closed at shutdown. A request may be on its way to the proxy. */
const idleGraceMs = 1000;

export class Connections {
  readonly #connections = new Map<Socket, ClientConnection>();
  readonly #heads: RequestHeadCache;
  readonly #idleTimers = new Map<Socket, NodeJS.Timeout>();
  readonly #pipelined: PipelinedCount = { waiting: 0 };
  readonly #maxPipelined: number;
  /** One function of each kind for all connections, since thousands of them may be idle. */
  readonly #onClose: (this: Socket) => void;
  readonly #onIdle: (socket: Socket) => void;
  #closing = false;

  /**
   * @param maxPipelined limit for the waiting pipelined requests of all clients; above it, senders are
   * disconnected
   * @param names the names of all pools
   */
  constructor(maxPipelined: number, nameUser: NameUser, names: PoolNames) {
    this.#maxPipelined = maxPipelined;
    this.#heads = new RequestHeadCache(nameUser, names);
    this.#onIdle = (socket) => {
      if (this.#closing) this.#closeWhenIdle(socket);
    };
    const leave = (socket: Socket): void => this.#leave(socket);
    this.#onClose = function onClose() {
      leave(this);
    };
  }

  open(socket: Socket): ClientConnection {
    const connection = new ClientConnection(socket, this.#pipelined, this.#onIdle);
    this.#connections.set(socket, connection);
    socket.on('close', this.#onClose);
    if (this.#closing) this.#closeWhenIdle(socket);
    return connection;
  }

  begin(request: IncomingMessage, response: ServerResponse): ClientExchange {
    const { socket } = request;
    // A destroyed socket may have emitted `close` already, so the exchange ends here.
    const isGone = socket.destroyed;
    const connection = isGone
      ? new ClientConnection(socket, { waiting: 0 }, () => undefined)
      : (this.#connections.get(socket) ?? this.open(socket));
    const head = this.#heads.read(request.rawHeaders, connection.head);
    connection.head = head;
    if (this.#heads.costBytes > maxHeadsBytes) this.forgetHeads();
    const exchange = new ClientExchange(request, response, head, connection);
    if (isGone) exchange.end();
    else {
      connection.add(exchange);
      if (exchange.body !== undefined) {
        connection.upload = exchange;
        connection.announcedBytes += Number(head.facts.contentLength ?? NaN);
      }
      const isTooMuch = this.#pipelined.waiting > this.#maxPipelined;
      if (connection.waiting > 0 && (isTooMuch || connection.waiting > maxPipelinedEach)) {
        socket.destroy();
      }
    }
    if (this.#closing) clearTimeout(this.#idleTimers.get(socket));
    return exchange;
  }

  /** Empties the request-head cache. To be called at regular intervals, because heads hold credentials. */
  forgetHeads(): void {
    this.#heads.forget();
    for (const connection of this.#connections.values()) connection.head = undefined;
  }

  /**
   * Closes connections that have been idle for `timeoutMs`. To be called at regular intervals. A connection
   * can stay open for up to two intervals longer. Node's own timer is not used, because Node sets and clears
   * it for each call.
   */
  closeIdle(timeoutMs: number, nowMs: number): void {
    for (const [socket, connection] of this.#connections) {
      if (connection.idleMs(socket.bytesRead, nowMs) >= timeoutMs) socket.destroy();
    }
  }

  /** Whether the connection closes after an answer that is already ended. */
  isEnding(socket: Socket): boolean {
    for (const { response } of this.#connections.get(socket)?.exchanges ?? []) {
      if (response.writableEnded && !response.shouldKeepAlive) return true;
    }
    return false;
  }

  isBusy(socket: Socket): boolean {
    return (this.#connections.get(socket)?.exchanges.length ?? 0) > 0;
  }

  get count(): number {
    return this.#connections.size;
  }

  /** All connections with their sockets. */
  [Symbol.iterator](): IterableIterator<readonly [Socket, ClientConnection]> {
    return this.#connections.entries();
  }

  /** Connections with open exchanges. */
  *busy(): Generator<Socket> {
    for (const [socket, { exchanges }] of this.#connections) if (exchanges.length > 0) yield socket;
  }

  *openExchanges(): Generator<ClientExchange> {
    for (const { exchanges } of this.#connections.values()) yield* exchanges;
  }

  /** Closes each connection when it has been idle for a second. */
  close(): void {
    this.#closing = true;
    for (const [socket, { exchanges }] of this.#connections) {
      if (exchanges.length === 0) this.#closeWhenIdle(socket);
    }
  }

  #leave(socket: Socket): void {
    const connection = this.#connections.get(socket);
    this.#connections.delete(socket);
    clearTimeout(this.#idleTimers.get(socket));
    this.#idleTimers.delete(socket);
    connection?.end();
  }

  #closeWhenIdle(socket: Socket): void {
    if (socket.destroyed) return;
    clearTimeout(this.#idleTimers.get(socket));
    this.#idleTimers.set(
      socket,
      setTimeout(() => socket.destroy(), idleGraceMs),
    );
  }
}
