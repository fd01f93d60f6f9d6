/**
 * The connections of clients, what is under way on them, and what clients say of themselves.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { KnownHeads } from '../core/admit/known-heads.ts';
import { ClientConnection, ClientExchange, type PipelinedCount } from './client-exchange.ts';
import { createUserNames } from './user-names.ts';

/** Of heads that are kept: little beside the smallest heap, and those of some thousand busy users. */
const maxHeadsBytes = 4 * 1024 * 1024;
/** More than one read of a connection (64 KiB) can hold; a client that pipelines more is cut off. */
const maxPipelinedEach = 4096;
/** An idle client may have sent a request that we do not see yet: so long it is waited for. */
const idleGraceMs = 1000;

export class Connections {
  readonly #connections = new Map<Socket, ClientConnection>();
  readonly #heads = new KnownHeads(createUserNames());
  readonly #idleTimers = new Map<Socket, NodeJS.Timeout>();
  readonly #pipelined: PipelinedCount = { waiting: 0 };
  readonly #maxPipelined: number;
  /** One function of each kind for all connections, since thousands of them may be idle. */
  readonly #onClose: (this: Socket) => void;
  readonly #onIdle: (socket: Socket) => void;
  #closing = false;

  /** `maxPipelined`: requests that wait for earlier ones of their connection; who sends more is cut off. */
  constructor(maxPipelined: number) {
    this.#maxPipelined = maxPipelined;
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
    // Of one that is gone the end has been told; what is begun now would never be over.
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
      const isTooMuch = this.#pipelined.waiting > this.#maxPipelined;
      if (connection.waiting > 0 && (isTooMuch || connection.waiting > maxPipelinedEach)) {
        socket.destroy();
      }
    }
    if (this.#closing) clearTimeout(this.#idleTimers.get(socket));
    return exchange;
  }

  /** To be called now and then: what clients say of themselves is kept until then at most. */
  forgetHeads(): void {
    this.#heads.forget();
    for (const connection of this.#connections.values()) connection.head = undefined;
  }

  /**
   * Closes those that have been idle for so long, or longer by up to the time between three looks.
   * Node's own timer of each connection is set and called off with each call.
   */
  closeIdle(timeoutMs: number, nowMs: number): void {
    for (const [socket, connection] of this.#connections) {
      if (connection.idleMs(socket.bytesRead, nowMs) >= timeoutMs) socket.destroy();
    }
  }

  /** Whether an answer behind which the connection closes has been given. */
  isEnding(socket: Socket): boolean {
    for (const { response } of this.#connections.get(socket)?.exchanges ?? []) {
      if (response.writableEnded && !response.shouldKeepAlive) return true;
    }
    return false;
  }

  isBusy(socket: Socket): boolean {
    return (this.#connections.get(socket)?.exchanges.length ?? 0) > 0;
  }

  /** Connections that have anything under way. */
  *busy(): Generator<Socket> {
    for (const [socket, { exchanges }] of this.#connections) if (exchanges.length > 0) yield socket;
  }

  *openExchanges(): Generator<ClientExchange> {
    for (const { exchanges } of this.#connections.values()) yield* exchanges;
  }

  /** From now on connections are closed after a second without anything under way. */
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
