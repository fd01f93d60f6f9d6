/**
 * One connection of a client, and what is under way on it. An exchange is over when its answer is written or
 * when its connection is gone; Node 20 tells answers that wait behind another one (pipelining) nothing of
 * the latter.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { KnownHead } from '../core/admit/known-heads.ts';
import { addressName } from './client-address.ts';

const noHeaders = Object.freeze({});
const readers: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Exchanges of all connections that wait for earlier ones of theirs. */
export interface PipelinedCount {
  waiting: number;
}

/** Exchanges of one connection that are under way at a time; what a client pipelines beyond them waits. */
const maxAtOnce = 32;

/** A connection on which requests may come. */
export class ClientConnection {
  /** What is under way, in order. */
  readonly exchanges: ClientExchange[] = [];
  /** Of the last request, for a while. */
  head: KnownHead | undefined;
  /** See `ClientExchange.bind`. */
  isBound = false;
  #address: string | undefined;
  readonly #socket: Socket;
  readonly #pipelined: PipelinedCount;
  readonly #idle: (socket: Socket) => void;
  #isPaused = false;
  /** A first request is waited for as Node does: by the time that a head may take. */
  #hasReceivedRequest = false;
  /** When it was looked at last. */
  #bytesRead = 0;
  #idleSinceMs: number | undefined;

  /** `idle`: told when nothing is under way any more. */
  constructor(socket: Socket, pipelined: PipelinedCount, idle: (socket: Socket) => void) {
    this.#socket = socket;
    this.#pipelined = pipelined;
    this.#idle = idle;
  }

  add(exchange: ClientExchange): void {
    this.exchanges.push(exchange);
    this.#hasReceivedRequest = true;
    if (this.exchanges.length <= maxAtOnce) return;
    this.#pipelined.waiting += 1;
    if (!this.#isPaused) this.#socket.pause();
    this.#isPaused = true;
  }

  /** The connection is gone, and all that is under way on it with it. */
  end(): void {
    this.#pipelined.waiting -= this.waiting;
    for (const exchange of this.exchanges.splice(0)) exchange.end();
  }

  /** See `addressName`. */
  get address(): string {
    return (this.#address ??= addressName(this.#socket.remoteAddress ?? ''));
  }

  /** Exchanges that have not begun. */
  get waiting(): number {
    return Math.max(this.exchanges.length - maxAtOnce, 0);
  }

  /** Whether the exchange may begin: not too many that came before it are under way. */
  mayStart(exchange: ClientExchange): boolean {
    return this.exchanges.length <= maxAtOnce || this.exchanges.indexOf(exchange) < maxAtOnce;
  }

  /** Whether no write that came before the exchange is under way. */
  isNextWrite(exchange: ClientExchange): boolean {
    for (const other of this.exchanges) {
      if (other === exchange) return true;
      if (other.isWrite) return false;
    }
    return true;
  }

  /** For how long nothing is under way, and nothing has come; to be asked now and then. */
  idleMs(bytesRead: number, nowMs: number): number {
    const hasMore = bytesRead !== this.#bytesRead;
    this.#bytesRead = bytesRead;
    if (this.exchanges.length > 0 || !this.#hasReceivedRequest) {
      this.#idleSinceMs = undefined;
      return 0;
    }
    if (hasMore) this.#idleSinceMs = nowMs;
    this.#idleSinceMs ??= nowMs;
    return nowMs - this.#idleSinceMs;
  }

  remove(exchange: ClientExchange): void {
    const at = this.exchanges.indexOf(exchange);
    if (at === -1) return;
    if (this.waiting > 0) this.#pipelined.waiting -= 1;
    this.exchanges.splice(at, 1);
    if (this.exchanges.length === 0) this.#idle(this.#socket);
    else this.#startNext();
  }

  /** An earlier exchange is over: the first write, and the next one that may begin, may wait for that. */
  #startNext(): void {
    this.exchanges.find(({ isWrite }) => isWrite)?.startWrite();
    this.exchanges[maxAtOnce - 1]?.start();
    if (this.#isPaused && this.exchanges.length <= maxAtOnce) {
      this.#isPaused = false;
      this.#socket.resume();
    }
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
  /** When the handler got it, in milliseconds of the proxy's clock. */
  startedAtMs = 0;
  readonly #connection: ClientConnection;
  #isOver = false;
  #isAnswered = false;
  #isFollowed = false;
  #listener: OverListener | undefined;
  #release: (() => void) | undefined;
  /** What waits for earlier exchanges of the connection to be over: its begin, or its turn. */
  #deferredStart: (() => void) | undefined;
  #deferredWrite: (() => void) | undefined;

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

  /** The name of the address that the connection comes from, see `addressName`. */
  get peerAddress(): string {
    return this.#connection.address;
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

  /** Calls `serve` now, or when fewer exchanges that came before it are under way; never, if it is over. */
  startWhenAllowed(serve: () => void): void {
    if (this.#connection.mayStart(this)) serve();
    else this.#deferredStart = serve;
  }

  /** Whether its request may change something. */
  get isWrite(): boolean {
    return !readers.has(this.request.method ?? '');
  }

  /** Calls `act` when every earlier write of the connection is over; never, if it is over itself. */
  afterEarlierWrites(act: () => void): void {
    if (this.#connection.isNextWrite(this)) act();
    else this.#deferredWrite = act;
  }

  start(): void {
    const serve = this.#deferredStart;
    this.#deferredStart = undefined;
    serve?.();
  }

  startWrite(): void {
    const act = this.#deferredWrite;
    this.#deferredWrite = undefined;
    act?.();
  }

  /** Takes what gives back what it holds of a bound; called once, when it is over. There may be several. */
  addRelease(release: () => void): void {
    const earlier = this.#release;
    if (this.#isOver) {
      release();
    } else if (earlier === undefined) {
      this.#release = release;
    } else {
      this.#release = () => {
        earlier();
        release();
      };
    }
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
    this.response.once('close', () => this.#finish());
  }

  /** Nothing of the answer is left to be written. */
  answered(): void {
    this.#isAnswered = true;
    this.#finish();
  }

  /** The connection is gone. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deferredStart = undefined;
    this.#deferredWrite = undefined;
    this.#release?.();
    this.#listener?.over();
  }

  #finish(): void {
    this.end();
    this.#connection.remove(this);
  }
}
