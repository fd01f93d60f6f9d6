/**
 * The connections of clients, and what is under way on each. An exchange is over when its answer is
 * written or when its connection is gone; Node 20 tells answers that wait behind another one
 * (pipelining) nothing of the latter.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** One request of a client and its answer. */
export class ClientExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  #isOver = false;
  #onOver: (() => void) | undefined;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.response = response;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** One listener, called once; at once, if it is over already. */
  onOver(listener: () => void): void {
    if (this.#isOver) listener();
    else this.#onOver = listener;
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOver?.();
  }
}

/** An idle client may have sent a request that we do not see yet: so long it is waited for. */
const idleGraceMs = 1000;

export class Connections {
  readonly #exchanges = new Map<Socket, ClientExchange[]>();
  readonly #idleTimers = new Map<Socket, NodeJS.Timeout>();
  #closing = false;

  /** A connection on which requests may come. */
  open(socket: Socket): ClientExchange[] {
    const exchanges: ClientExchange[] = [];
    this.#exchanges.set(socket, exchanges);
    socket.once('close', () => {
      this.#exchanges.delete(socket);
      clearTimeout(this.#idleTimers.get(socket));
      this.#idleTimers.delete(socket);
      for (const exchange of exchanges.splice(0)) exchange.end();
    });
    if (this.#closing) this.#closeWhenIdle(socket);
    return exchanges;
  }

  begin(request: IncomingMessage, response: ServerResponse): ClientExchange {
    const { socket } = request;
    const exchange = new ClientExchange(request, response);
    if (socket.destroyed) {
      // Its end has been told; what is begun now would never be over.
      exchange.end();
      return exchange;
    }
    const exchanges = this.#exchanges.get(socket) ?? this.open(socket);
    exchanges.push(exchange);
    clearTimeout(this.#idleTimers.get(socket));
    response.on('close', () => {
      const at = exchanges.indexOf(exchange);
      if (at !== -1) exchanges.splice(at, 1);
      exchange.end();
      if (this.#closing && exchanges.length === 0) this.#closeWhenIdle(socket);
    });
    return exchange;
  }

  /** Whether an answer behind which the connection closes has been given. */
  isEnding(socket: Socket): boolean {
    for (const { response } of this.#exchanges.get(socket) ?? []) {
      if (response.writableEnded && !response.shouldKeepAlive) return true;
    }
    return false;
  }

  isBusy(socket: Socket): boolean {
    return (this.#exchanges.get(socket)?.length ?? 0) > 0;
  }

  /** Connections that have anything under way. */
  *busy(): Generator<Socket> {
    for (const [socket, exchanges] of this.#exchanges) if (exchanges.length > 0) yield socket;
  }

  *underWay(): Generator<ClientExchange> {
    for (const exchanges of this.#exchanges.values()) yield* exchanges;
  }

  /** From now on connections are closed after a second without anything under way. */
  closeIdle(): void {
    this.#closing = true;
    for (const [socket, exchanges] of this.#exchanges) {
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
