/**
 * One connection of a client, and its exchanges. An exchange is over when its answer is written, or when its connection
 * closes. Node 20 does not report that close to pipelined responses that wait, so the connection does.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { KnownHead } from '../core/admit/request-head-cache.ts';
import type { ForwardedFields } from '../core/messages/forwarded-fields.ts';
import { addressName, describedClient } from './client-address.ts';
import type { CallNotes } from './call-notes.ts';
import type { OverListener, StartedOperation } from './exchange-listeners.ts';
import { IdleTime } from './idle-time.ts';
import { IncomingBody } from './incoming-body.ts';
import type { TracedCall } from '../trace/traced-call.ts';

const noHeaders = Object.freeze({});
const readers: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Number of waiting pipelined exchanges of all connections. */
export interface PipelinedCount {
  waiting: number;
}

/** Limit for the exchanges of one connection that run at a time. Further pipelined exchanges wait. */
const maxRunningEach = 32;

/** A connection of a client. */
export class ClientConnection {
  /** Open exchanges, running and waiting, in the order of their requests. */
  readonly exchanges: ClientExchange[] = [];
  /** Head of the last request, until the request-head cache is emptied. */
  head: KnownHead | undefined;
  /** The pools that this connection is bound at, see `ClientExchange.bind`. */
  boundAt: Set<number> | undefined;
  /** See `StoppedBodies`. */
  upload: ClientExchange | undefined;
  /** See `UnfinishedHeads`. */
  hasNewRequest = false;
  announcedBytes = 0;
  /** Whether the peer is a trusted proxy; `undefined` before the first request. */
  isTrusted: boolean | undefined;
  #address: string | undefined;
  #forwarded: ForwardedFields = [''];
  readonly #socket: Socket;
  readonly #pipelined: PipelinedCount;
  readonly #idle: (socket: Socket) => void;
  /** Whether the proxy has stopped reading the connection, because too many exchanges are open. */
  isPaused = false;
  /** Whether a request has arrived. Before the first one, Node's timeout for request heads applies. */
  hasReceivedRequest = false;
  readonly #idleTime = new IdleTime();

  /** @param idle called with the socket when the last open exchange is over */
  constructor(socket: Socket, pipelined: PipelinedCount, idle: (socket: Socket) => void) {
    this.#socket = socket;
    this.#pipelined = pipelined;
    this.#idle = idle;
  }

  /** Adds an exchange. Above `maxRunningEach` the exchange waits, and the proxy stops reading the connection. */
  add(exchange: ClientExchange): void {
    this.exchanges.push(exchange);
    this.hasReceivedRequest = true;
    this.hasNewRequest = true;
    if (this.exchanges.length <= maxRunningEach) return;
    this.#pipelined.waiting += 1;
    if (!this.isPaused) this.#socket.pause();
    this.isPaused = true;
  }

  /** Ends all exchanges. To be called when the connection has closed. */
  end(): void {
    this.#pipelined.waiting -= this.waiting;
    for (const exchange of this.exchanges.splice(0)) exchange.end();
  }

  /** See `addressName`. */
  get address(): string {
    return (this.#address ??= addressName(this.#socket.remoteAddress ?? ''));
  }

  /** Describes this client to the pool: by the same object while the client sends the same `Host`. */
  forwarded(host: string | undefined): ForwardedFields {
    if (this.#forwarded.at(-1) !== host) this.#forwarded = describedClient(this.#socket, host);
    return this.#forwarded;
  }

  /** Number of exchanges that wait to start. */
  get waiting(): number {
    return Math.max(this.exchanges.length - maxRunningEach, 0);
  }

  /** Whether fewer than `maxRunningEach` earlier exchanges are open. */
  mayStart(exchange: ClientExchange): boolean {
    return this.exchanges.indexOf(exchange) < maxRunningEach;
  }

  /** Whether no earlier write is open. */
  isNextWrite(exchange: ClientExchange): boolean {
    const first = this.exchanges.find((other) => other === exchange || other.isWrite);
    return first === undefined || first === exchange;
  }

  /** See `IdleTime`. */
  idleMs(bytesRead: number, nowMs: number): number {
    const mayBeIdle = this.hasReceivedRequest && this.exchanges.length === 0;
    return this.#idleTime.check(mayBeIdle, bytesRead, nowMs);
  }

  remove(exchange: ClientExchange): void {
    const at = this.exchanges.indexOf(exchange);
    if (at === -1) return;
    if (this.waiting > 0) this.#pipelined.waiting -= 1;
    this.exchanges.splice(at, 1);
    if (this.exchanges.length === 0) this.#idle(this.#socket);
    else this.#startNext();
  }

  /** Starts the exchanges that waited for an earlier one: the next write, and the next exchange. */
  #startNext(): void {
    this.exchanges.find(({ isWrite }) => isWrite)?.startWrite();
    // The earlier exchange may end inside of the engine, which is not reentrant.
    const next = this.exchanges[maxRunningEach - 1];
    if (next !== undefined) queueMicrotask(() => next.start());
    if (this.isPaused && this.exchanges.length <= maxRunningEach) {
      this.isPaused = false;
      this.#socket.resume();
    }
  }
}

/** One request of a client and its answer. */
export class ClientExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly head: KnownHead;
  /** Time when the request handler received the request, in ms of the proxy's clock. */
  startedAtMs = 0;
  /** `undefined` for most requests, because few start an operation. */
  operation: StartedOperation | undefined;
  /** `undefined` for most requests. See `notesOf` and `CallTracer`. */
  notes: CallNotes | undefined;
  trace: TracedCall | undefined;
  readonly body: IncomingBody | undefined;
  readonly #connection: ClientConnection;
  #isOver = false;
  #isAnswered = false;
  #isFollowed = false;
  #listener: OverListener | undefined;
  #release: (() => void) | undefined;
  /** Waits until the connection has fewer earlier exchanges. */
  #deferredStart: (() => void) | undefined;
  /** Waits until all earlier writes of the connection are over. */
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
    if (head.hasBody) this.body = new IncomingBody();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The id of the call in the answer; `undefined` if the answer has none. */
  get answerId(): string | undefined {
    return this.notes?.id ?? this.head.callId;
  }

  /** Whether the whole answer was passed to the operating system. Node counts failed writes as finished. */
  get isAnswered(): boolean {
    const isWritten = this.#isAnswered || this.response.writableFinished;
    return isWritten && this.request.socket.errored === null;
  }

  /** Address of the connection's peer. See `addressName`. */
  get peerAddress(): string {
    return this.#connection.address;
  }

  /** Whether the peer is a trusted proxy. The first result counts for the whole connection. */
  isTrusted(check: (request: IncomingMessage) => boolean): boolean {
    return (this.#connection.isTrusted ??= check(this.request));
  }

  /** Describes the client to the pool. The description by a trusted peer counts. */
  forwarded(isTrusted: boolean): ForwardedFields {
    return isTrusted ? this.head.describedByPeer : this.#connection.forwarded(this.head.facts.host);
  }

  /** Whether all requests of the client's connection to this pool use a connection of their own. */
  get isBound(): boolean {
    return this.#connection.boundAt?.has(this.pool) === true;
  }

  /** Binds the client's connection to its own connection to the pool of this request, until one of them closes. */
  bind(): void {
    (this.#connection.boundAt ??= new Set()).add(this.pool);
  }

  /** The place of the pool in the list of all pools. A request that no pool has a name for counts as the first. */
  get pool(): number {
    return this.head.destination?.pool ?? 0;
  }

  /** Sets the listener for the end of the exchange. If the exchange is over, the listener is called immediately. */
  onOver(listener: OverListener): void {
    if (this.#isOver) listener.over();
    else this.#listener = listener;
  }

  /** Calls `serve` when fewer than `maxRunningEach` earlier exchanges are open. Never calls it after the end. */
  startWhenAllowed(serve: () => void): void {
    if (this.#connection.mayStart(this)) serve();
    else this.#deferredStart = serve;
  }

  /** Whether the request may change something. */
  get isWrite(): boolean {
    return !readers.has(this.request.method ?? '');
  }

  /** Calls `act` when all earlier writes of the connection are over. Never calls it after the end. */
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

  /** Stops waiting for a turn. To be called before a refusal, so that a refused request is never served. */
  withdraw(): void {
    this.#deferredStart = undefined;
    this.#deferredWrite = undefined;
  }

  /** Adds a function that is called once at the end of the exchange, to release a limit. */
  addRelease(release: () => void): void {
    const earlier = this.#release;
    if (this.#isOver) release();
    else if (earlier === undefined) this.#release = release;
    else {
      this.#release = () => {
        earlier();
        release();
      };
    }
  }

  /** Replaces the request's own header strings by those of the shared head, to save memory during long waits. */
  shareHead(): void {
    this.request.rawHeaders = this.head.headers as string[];
    this.request.headers = noHeaders;
  }

  /** Ends the exchange when Node emits `close` on the response. To be called before an answer that is streamed. */
  follow(): void {
    if (this.#isFollowed) return;
    this.#isFollowed = true;
    this.response.once('close', () => this.#finish());
  }

  /** Ends the exchange after an answer that is completely written. */
  answered(): void {
    this.#isAnswered = true;
    this.#finish();
  }

  /** Marks the exchange as over, and notifies its listener. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.withdraw();
    this.#release?.();
    this.#listener?.over();
  }

  #finish(): void {
    this.end();
    this.#connection.remove(this);
  }
}
