import type { ClientRequest, IncomingMessage, InformationEvent } from 'node:http';
import type { Socket } from 'node:net';
import type { Fault, FaultName, FaultPhase } from '../core/messages/fault.ts';
import type { Framing } from '../core/wire/answer-frame.ts';
import { endToEndHeaders, type RawHeaders } from '../core/messages/http-message.ts';
import { Activity, idleName } from './activity.ts';
import { type AnswerHead, readAnswerHead, relayedFields } from './answer-head.ts';
import { type AnswerRelay, relayAnswer } from './answer-relay.ts';
import { BufferedAnswer } from './buffered-answer.ts';
import type { PassThroughCall, PassThroughObserver } from './pass-through-call.ts';
import { closeBehindUnreadBody, cut, discardRest, sendHead } from './client-response.ts';
import { borrowerOf, hasBody } from './outgoing-request.ts';
import type { PoolConnections } from './pool-connections.ts';
import { type AnswerProgress, faultOn, framingOf } from './pool-socket.ts';

/** Other events report these errors. Without a listener Node would throw the error. */
const ignore = (): void => undefined;

/** The resources that one exchange uses. */
export interface ExchangeResources {
  connections: PoolConnections;
  /** Open exchanges of the same kind, oldest first. The exchange adds and removes itself. */
  readonly exchanges: Set<PassThroughExchange>;
  /** Releases the concurrency slot of the exchange, or takes the exchange out of the queue for a slot. */
  release: () => void;
  /** Whether the client's connection has ever had a bound connection to the pool. */
  readonly wasBound: boolean;
}

/**
 * One call that is passed through, from the client's request to the end of the answer.
 *
 *     waiting --answer head--> relaying --response closed--> over
 *     waiting --answer head--> held --released by the gate of the call--> relaying
 *     waiting, held --fault or client disconnect--> over      (fault: the observer answers)
 *     relaying --fault or client disconnect--> over     (fault: the client's connection is destroyed)
 *
 * http-proxy creates the request and pipes the client's body into it. This class does the rest, because
 * http-proxy has three faults:
 *
 * - It does not notice that a client disconnects (http-party/node-http-proxy#1586).
 * - It joins and lower-cases the fields of the answer.
 * - It ends a truncated answer as if the answer were complete.
 */
export class PassThroughExchange implements AnswerProgress {
  readonly #call: PassThroughCall;
  readonly #observer: PassThroughObserver;
  readonly resources: ExchangeResources;
  readonly #hasBody: boolean;
  #state: 'waiting' | 'held' | 'relaying' | 'over' = 'waiting';
  #upstream: ClientRequest | undefined;
  #answer: IncomingMessage | undefined;
  /** Whether the client receives the answer without its body. See `AnswerHead`. */
  #endsAtHead = false;
  #held: BufferedAnswer | undefined;
  #endDiscarding: () => void = ignore;
  readonly activity: Activity;

  constructor(
    call: PassThroughCall,
    observer: PassThroughObserver,
    resources: ExchangeResources,
    nowMs: number,
  ) {
    this.#call = call;
    this.#observer = observer;
    this.resources = resources;
    this.#hasBody = hasBody(call.request);
    this.activity = new Activity(nowMs);
    resources.exchanges.add(this);
    call.response.on('close', this.#onClientClose);
    call.response.on('error', ignore);
    this.check(nowMs, Infinity);
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  get isWaiting(): boolean {
    return this.#state === 'waiting';
  }

  /** Bytes that the client's connection has sent; `undefined` while the client keeps up with its answer. */
  get takenBytes(): number | undefined {
    const { request, response } = this.#call;
    if (this.#state !== 'relaying' || !response.writableNeedDrain) return undefined;
    return request.socket.bytesWritten - request.socket.writableLength;
  }

  /** Bytes that the client has sent; `undefined` unless the pool waits for more of the body. */
  get sentBytes(): number | undefined {
    const { complete, readableLength, socket } = this.#call.request;
    if (!this.isWaiting || complete || readableLength > 0) return undefined;
    return this.#upstream?.socket ? socket.bytesRead : undefined;
  }

  isWhole(): boolean {
    return this.#answer?.complete === true;
  }

  framing(): Framing | undefined {
    return this.#answer && framingOf(this.#call.request.method, this.#answer);
  }

  /** Listens to the request to the pool. Called before the request waits for, or gets, a socket. */
  readonly attach = (upstream: ClientRequest): void => {
    this.#upstream = upstream;
    // Node silently drops fields above this count. Its limit for the size of a head still applies.
    upstream.maxHeadersCount = 0;
    upstream.once('socket', this.#onSocket);
    upstream.on('information', this.#onInterim);
    upstream.on('error', this.#onUpstreamError);
    upstream.on('response', this.#onAnswer);
    upstream.on('close', this.#onUpstreamClose);
    if (this.#hasBody) sendHead(upstream);
  };

  /** Ends the exchange if the client has disconnected, or if neither side sent a byte for `idleTimeoutMs`. */
  check(nowMs: number, idleTimeoutMs: number): void {
    const client = this.#call.request.socket;
    // Node 20 emits no `close` on a pipelined response that has no socket yet.
    if (client.destroyed) {
      this.#onClientClose();
      return;
    }
    const pool = this.#upstream?.socket ?? undefined;
    const bytes = client.bytesRead + (pool?.bytesRead ?? 0);
    const isIdle = this.activity.isIdle(bytes, pool !== undefined, nowMs, idleTimeoutMs);
    if (isIdle) this.abort(idleName(this.#phase(), pool !== undefined));
  }

  /** Ends the exchange with a fault. `error`: the exception, if a bug of the proxy is the cause. */
  abort(name: FaultName, error?: unknown): void {
    this.fail({ phase: this.#phase(), name }, error);
  }

  /** Ends the exchange, unless an answer has begun, because the client sends its body too slowly or not at all. */
  readonly endSlowBody = (): void => {
    if (!this.isWaiting) return;
    const phase = this.#phase();
    this.#release();
    this.#observer.refuseBody(phase);
    this.#observer.ended({ kind: 'slow-body', phase });
  };

  /** Ends the exchange with an answer of the proxy. After an answer head it destroys the client's connection. */
  fail(fault: Fault, error?: unknown): void {
    if (this.isOver) return;
    const responded = this.#state === 'relaying';
    this.#release();
    if (responded) {
      cut(this.#call.request);
    } else {
      closeBehindUnreadBody(this.#call);
      try {
        this.#observer.fail(fault);
      } catch (thrown) {
        error ??= thrown;
        cut(this.#call.request);
      }
    }
    this.#observer.ended({ kind: 'failed', fault, responded, error });
  }

  /** Lends the connection before Node writes the first byte. If `lend` throws, nothing is written. */
  readonly #onSocket = (socket: Socket): void => {
    const borrower = borrowerOf(this.#call, this.resources.wasBound);
    try {
      this.resources.connections.lend(socket, borrower, this);
    } catch (error) {
      this.fail({ phase: 'unsent', name: 'proxy_internal_error' }, error);
    }
  };

  readonly #onInterim = ({ statusCode, rawHeaders }: InformationEvent): void => {
    if (this.#upstream) this.resources.connections.answered(this.#upstream, statusCode, rawHeaders);
  };

  readonly #onAnswer = (answer: IncomingMessage): void => {
    const upstream = this.#upstream;
    const { request } = this.#call;
    if (!this.isWaiting || upstream === undefined) return;
    const head = readAnswerHead(request, answer);
    if (head === undefined) {
      this.abort('http_protocol_error');
      return;
    }
    this.resources.connections.answered(upstream, head.status, answer.rawHeaders);
    this.#answer = answer;
    // After an early answer the socket must serve no other request, because the request is not fully sent.
    // Node 20 can even give this socket to two requests, if the answer and the upload end together.
    if (!upstream.writableFinished) upstream.shouldKeepAlive = false;
    const relay = (): void => this.#relay(upstream, answer, head);
    this.#held = BufferedAnswer.hold(this.#call.gate, answer, relay);
    if (this.#held === undefined) relay();
    else this.#state = 'held';
  };

  #relay(upstream: ClientRequest, answer: IncomingMessage, head: AnswerHead): void {
    if (this.isOver) return;
    const { request, response } = this.#call;
    const { status, codings, endsAtHead } = head;
    const broke = (error: unknown): void => this.abort('proxy_internal_error', error);
    const begin = (fields: RawHeaders): boolean => this.#begin(head, fields);
    try {
      const fields = this.#observer.responded(status, endToEndHeaders(answer.rawHeaders));
      if (endsAtHead) {
        this.#endAtHead(head, fields, upstream);
        return;
      }
      const hasPlainBody = codings === undefined && request.method !== 'HEAD';
      const change = hasPlainBody ? this.#observer.bodyRewrite?.(status, fields) : undefined;
      const coder: AnswerRelay['coder'] = (headers, output) =>
        hasPlainBody ? this.#observer.bodyCoder?.({ ...head, headers }, output) : undefined;
      const relay = { answer, response, begin, ended: this.#onAnswerEnd, broke, coder };
      relayAnswer(relay, fields, this.#held ?? change);
    } catch (error) {
      broke(error);
    }
  }

  /** Writes the head of the answer. Returns `false` if the exchange is over. */
  #begin(head: AnswerHead, fields: RawHeaders): boolean {
    if (this.#state !== 'waiting' && this.#state !== 'held') return false;
    closeBehindUnreadBody(this.#call);
    const written = relayedFields(head, fields) as string[];
    this.#call.response.writeHead(head.status, head.reason, written);
    this.#state = 'relaying';
    return true;
  }

  #endAtHead(head: AnswerHead, fields: RawHeaders, upstream: ClientRequest): void {
    if (!this.#begin(head, fields)) return;
    this.#endsAtHead = true;
    this.resources.connections.cancel(upstream);
    this.#onAnswerEnd();
  }

  readonly #onAnswerEnd = (): void => {
    if (this.isOver) return;
    const { request, response } = this.#call;
    const end = (): void => void response.end();
    if (request.complete) {
      end();
      return;
    }
    this.#abandonUpstream();
    this.#endDiscarding = discardRest(request, end);
  };

  readonly #onUpstreamError = (error: Error): void => {
    // A complete answer counts, even if the pool then closes the connection during the upload.
    if (this.#endsAtHead || this.#answer?.complete === true) return;
    this.abort(faultOn(this.#upstream?.socket, error, this.#phase() === 'unknown'));
  };

  readonly #onUpstreamClose = (): void => {
    if (this.#answer === undefined) {
      // Node closes the request without an error when the pool switches protocols.
      this.abort('http_protocol_error');
    } else if (!this.#endsAtHead && !this.#answer.complete) {
      this.abort('http_response_incomplete');
    }
  };

  readonly #onClientClose = (): void => {
    if (this.isOver) return;
    const { response } = this.#call;
    const responded = this.#state === 'relaying';
    const { writableFinished, statusCode: status } = response;
    this.#release();
    this.#observer.ended(
      writableFinished ? { kind: 'answered', status } : { kind: 'client-left', responded },
    );
  };

  /** Releases all resources. The socket of a completed request is already back in the pool, and stays open. */
  #release(): void {
    this.#state = 'over';
    this.resources.exchanges.delete(this);
    this.resources.release();
    this.#endDiscarding();
    this.#held?.abandon();
    this.#abandonUpstream();
  }

  /** Cancels the request to the pool, and discards the rest of the client's body. */
  #abandonUpstream(): void {
    const { request } = this.#call;
    if (this.#upstream) this.resources.connections.cancel(this.#upstream);
    if (request.readableEnded) return;
    request.unpipe();
    request.resume();
  }

  #phase(): FaultPhase {
    return this.resources.connections.mayHaveSent(this.#upstream) ? 'unknown' : 'unsent';
  }
}
