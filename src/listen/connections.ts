/**
 * The connections of clients, and what is under way on each. An exchange is over when its answer is
 * written or when its connection is gone; Node 20 tells answers that wait behind another one
 * (pipelining) nothing of the latter.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type KnownHead, KnownHeads } from '../core/admit/known-heads.ts';

const noHeaders = Object.freeze({});

/** A connection on which requests may come. */
class ClientConnection {
  /** What is under way, in order. */
  readonly exchanges: ClientExchange[] = [];
  /** Of the last request, for a while. */
  head: KnownHead | undefined;
  /** See `ClientExchange.bind`. */
  isBound = false;
  readonly #idle: () => void;
  /** A first request is waited for as Node does: by the time that a head may take. */
  #hasAsked = false;
  /** When it was looked at last. */
  #bytesRead = 0;
  #idleSinceMs: number | undefined;

  /** `idle`: told when nothing is under way any more. */
  constructor(idle: () => void) {
    this.#idle = idle;
  }

  add(exchange: ClientExchange): void {
    this.exchanges.push(exchange);
    this.#hasAsked = true;
  }

  /** For how long nothing is under way, and nothing has come; to be asked now and then. */
  idleMs(bytesRead: number, nowMs: number): number {
    const hasMore = bytesRead !== this.#bytesRead;
    this.#bytesRead = bytesRead;
    if (this.exchanges.length > 0 || !this.#hasAsked) {
      this.#idleSinceMs = undefined;
      return 0;
    }
    if (hasMore) this.#idleSinceMs = nowMs;
    this.#idleSinceMs ??= nowMs;
    return nowMs - this.#idleSinceMs;
  }

  remove(exchange: ClientExchange): void {
    const at = this.exchanges.indexOf(exchange);
    if (at !== -1) this.exchanges.splice(at, 1);
    if (this.exchanges.length === 0) this.#idle();
  }
}

/** An object and no function, which would be one thing more to keep of each call that waits. */
export interface OverListener {
  over(): void;
}

/** One request of a client and its answer. */
export class ClientExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly head: KnownHead;
  /** When whoever serves it was told. */
  startedAtMs = 0;
  readonly #connection: ClientConnection;
  #isOver = false;
  #isAnswered = false;
  #isFollowed = false;
  #listener: OverListener | undefined;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    head: KnownHead,
    connection: ClientConnection,
  ) {
    this.request = request;
    this.response = response;
    this.head = head;
    this.#connection = connection;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether the system has taken all of its answer. Node takes what it refused for written as well. */
  get isAnswered(): boolean {
    const isWritten = this.#isAnswered || this.response.writableFinished;
    return isWritten && this.request.socket.errored === null;
  }

  /** Whether all that comes on the client's connection goes over one connection to the pool. */
  get isBound(): boolean {
    return this.#connection.isBound;
  }

  /** From now on it does, until the client's connection is closed. */
  bind(): void {
    this.#connection.isBound = true;
  }

  /** One listener, called once; at once, if it is over already. */
  onOver(listener: OverListener): void {
    if (this.#isOver) listener.over();
    else this.#listener = listener;
  }

  /** Keeps no strings that only this request has where its head has the same: some wait for long. */
  shareHead(): void {
    this.request.rawHeaders = this.head.headers as string[];
    this.request.headers = noHeaders;
  }

  /** An answer is about to begin that may take its time: the exchange is over when Node says so. */
  follow(): void {
    if (this.#isFollowed) return;
    this.#isFollowed = true;
    this.response.once('close', () => this.#leave());
  }

  /** Nothing of the answer is left to be written. */
  answered(): void {
    this.#isAnswered = true;
    this.#leave();
  }

  /** The connection is gone. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener?.over();
  }

  #leave(): void {
    this.end();
    this.#connection.remove(this);
  }
}

/** Of heads that are kept: little beside the smallest heap, and those of some thousand busy users. */
const maxHeadsBytes = 4 * 1024 * 1024;
/** An idle client may have sent a request that we do not see yet: so long it is waited for. */
const idleGraceMs = 1000;

export class Connections {
  readonly #connections = new Map<Socket, ClientConnection>();
  readonly #heads = new KnownHeads();
  readonly #idleTimers = new Map<Socket, NodeJS.Timeout>();
  #closing = false;

  open(socket: Socket): ClientConnection {
    const connection = new ClientConnection(() => {
      if (this.#closing) this.#closeWhenIdle(socket);
    });
    this.#connections.set(socket, connection);
    socket.once('close', () => {
      this.#connections.delete(socket);
      clearTimeout(this.#idleTimers.get(socket));
      this.#idleTimers.delete(socket);
      for (const exchange of connection.exchanges.splice(0)) exchange.end();
    });
    if (this.#closing) this.#closeWhenIdle(socket);
    return connection;
  }

  begin(request: IncomingMessage, response: ServerResponse): ClientExchange {
    const { socket } = request;
    // Of one that is gone the end has been told; what is begun now would never be over.
    const isGone = socket.destroyed;
    const connection = isGone
      ? new ClientConnection(() => undefined)
      : (this.#connections.get(socket) ?? this.open(socket));
    const head = this.#heads.read(request.rawHeaders, connection.head);
    connection.head = head;
    if (this.#heads.costBytes > maxHeadsBytes) this.forgetHeads();
    const exchange = new ClientExchange(request, response, head, connection);
    if (isGone) exchange.end();
    else connection.add(exchange);
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

  *underWay(): Generator<ClientExchange> {
    for (const { exchanges } of this.#connections.values()) yield* exchanges;
  }

  /** From now on connections are closed after a second without anything under way. */
  close(): void {
    this.#closing = true;
    for (const [socket, { exchanges }] of this.#connections) {
      if (exchanges.length === 0) this.#closeWhenIdle(socket);
    }
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
