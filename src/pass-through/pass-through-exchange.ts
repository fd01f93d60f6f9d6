import type { ClientRequest, IncomingMessage, InformationEvent } from 'node:http';
import type { Socket } from 'node:net';
import { signsInConnection } from '../core/ucwa/credential-scheme.ts';
import type { Fault, FaultName } from '../core/messages/fault.ts';
import type { Framing } from '../core/wire/answer-frame.ts';
import { endToEndHeaders } from '../core/messages/http-message.ts';
import { readAnswerHead, relayedFields } from './answer-head.ts';
import type {
  PassThroughCall,
  PassThroughObserver,
  PassThroughOutcome,
} from './pass-through-call.ts';
import { cut, sendHead, sendHeadAlone } from './client-response.ts';
import { hasBody } from './outgoing-request.ts';
import type { PoolConnections } from './pool-connections.ts';
import { type AnswerProgress, faultOn, framingOf } from './pool-socket.ts';

/** The connections of one kind of call, and its exchanges that are not over, oldest first. */
export interface ExchangeResources {
  connections: PoolConnections;
  readonly exchanges: Set<PassThroughExchange>;
  /** Gives back the share of the connections that the call took, or waits for. */
  release: () => void;
  /** Whether a connection to the pool has been opened for the client's connection alone. */
  readonly wasBound: boolean;
}

/** How long a client that is answered early may go on sending before its connection closes. */
const lingerMs = 1000;

/**
 * One call on its way to the pool and the answer on its way back.
 *
 *     waiting --head of the answer--> relaying --response closed--> over
 *     waiting --fault, client left--> over      (a fault: the observer answers)
 *     relaying --fault, client left--> over     (a fault: the client's connection is destroyed)
 *
 * http-proxy makes the request and pipes the client's body into it. The rest is done here, since
 * http-proxy would not notice a client that leaves (http-party/node-http-proxy#1586), would join and
 * lower-case the fields of the answer, and would let an answer that broke off look complete.
 *
 * An answer that overtakes the client's body closes the client's connection behind it, so that no
 * rest of the body can be taken for a request: its head says `Connection: close`, the rest is read
 * for a second at most and thrown away, and only then does the answer end. Closing at once would
 * make the client's system discard an answer that the client has not read yet (RFC 9112 section 9.6).
 */
export class PassThroughExchange implements AnswerProgress {
  readonly #call: PassThroughCall;
  readonly #observer: PassThroughObserver;
  readonly #resources: ExchangeResources;
  readonly #hasBody: boolean;
  #state: 'waiting' | 'relaying' | 'over' = 'waiting';
  #upstream: ClientRequest | undefined;
  #answer: IncomingMessage | undefined;
  /** What follows the head of the answer is not read: for the client the answer ends there. */
  #endsAtHead = false;
  #lingerTimer: NodeJS.Timeout | undefined;
  #bytesRead = 0;
  #lastActivityMs: number;

  constructor(
    call: PassThroughCall,
    observer: PassThroughObserver,
    resources: ExchangeResources,
    nowMs: number,
  ) {
    this.#call = call;
    this.#observer = observer;
    this.#resources = resources;
    this.#hasBody = hasBody(call.request);
    this.#lastActivityMs = nowMs;
    resources.exchanges.add(this);
    call.response.on('close', this.#onClientClose);
    call.response.on('error', ignore);
    this.check(nowMs, Infinity);
  }

  get #connections(): PoolConnections {
    return this.#resources.connections;
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  get isWaiting(): boolean {
    return this.#state === 'waiting';
  }

  /** What the client has taken, while it is behind with its answer; in bytes of its connection. */
  get takenBytes(): number | undefined {
    const { request, response } = this.#call;
    if (this.#state !== 'relaying' || !response.writableNeedDrain) return undefined;
    return request.socket.bytesWritten - request.socket.writableLength;
  }

  isWhole(): boolean {
    return this.#answer?.complete === true;
  }

  framing(): Framing | undefined {
    return this.#answer && framingOf(this.#call.request.method, this.#answer);
  }

  /** Takes the request that carries the call, before it is queued or given a socket. */
  readonly attach = (upstream: ClientRequest): void => {
    this.#upstream = upstream;
    // The size of the head is bounded; a bound on the count would drop fields in silence.
    upstream.maxHeadersCount = 0;
    upstream.once('socket', this.#onSocket);
    upstream.on('information', this.#onInterim);
    upstream.on('error', this.#onUpstreamError);
    upstream.on('response', this.#onAnswer);
    upstream.on('close', this.#onUpstreamClose);
    if (this.#hasBody) sendHead(upstream);
  };

  /** Ends the exchange when no byte has come from either side for so long, or when the client has left. */
  check(nowMs: number, idleTimeoutMs: number): void {
    const client = this.#call.request.socket;
    // On Node 20 a response that waits behind another one of its connection does not hear of its end.
    if (client.destroyed) {
      this.#onClientClose();
      return;
    }
    const bytes = client.bytesRead + (this.#upstream?.socket?.bytesRead ?? 0);
    if (bytes !== this.#bytesRead) {
      this.#bytesRead = bytes;
      this.#lastActivityMs = nowMs;
    } else if (nowMs - this.#lastActivityMs >= idleTimeoutMs) {
      this.abort(this.#idleName());
    }
  }

  /**
   * Ends the exchange for a reason of that name; whether the call can have run is known here.
   * `error`: what was thrown, if it is our bug.
   */
  abort(name: FaultName, error?: unknown): void {
    this.fail({ phase: this.#mayHaveSent() ? 'unknown' : 'unsent', name }, error);
  }

  /** Ends the exchange with an answer of ours or, behind a head, with a broken connection. */
  fail(fault: Fault, error?: unknown): void {
    if (this.isOver) return;
    const responded = this.#state === 'relaying';
    this.#release();
    if (responded) {
      cut(this.#call.request);
    } else {
      this.#closeBehindUnreadBody();
      try {
        this.#observer.fail(fault);
      } catch (thrown) {
        error ??= thrown;
        cut(this.#call.request);
      }
    }
    this.#observer.ended({ kind: 'failed', fault, responded, error });
  }

  /** Comes before a byte is written; what throws here is written nowhere. */
  readonly #onSocket = (socket: Socket): void => {
    const { request, headers, user } = this.#call;
    const isBound = this.#call.isBound || this.#resources.wasBound;
    const signsIn = signsInConnection(headers);
    const borrower = { client: request.socket, user, signsIn, isBound };
    try {
      this.#connections.lend(socket, borrower, this);
    } catch (error) {
      this.fail({ phase: 'unsent', name: 'proxy_internal_error' }, error);
    }
  };

  readonly #onInterim = ({ statusCode, rawHeaders }: InformationEvent): void => {
    if (this.#upstream) this.#connections.answered(this.#upstream, statusCode, rawHeaders);
  };

  readonly #onAnswer = (answer: IncomingMessage): void => {
    const { request, response } = this.#call;
    const upstream = this.#upstream;
    if (!this.isWaiting || upstream === undefined) return;
    const head = readAnswerHead(request, answer);
    if (head === undefined) {
      this.abort('http_protocol_error');
      return;
    }
    const { status, reason, endsAtHead } = head;
    this.#connections.answered(upstream, status, answer.rawHeaders);
    try {
      const fields = this.#observer.responded(status, endToEndHeaders(answer.rawHeaders));
      this.#closeBehindUnreadBody();
      response.writeHead(status, reason, relayedFields(head, fields) as string[]);
    } catch (error) {
      this.abort('proxy_internal_error', error);
      return;
    }
    this.#state = 'relaying';
    this.#answer = answer;
    // The pool answered before it had read everything: that socket serves no other request. (Node 20
    // can even give it to two of them, if the answer's end meets the end of the upload.)
    if (!upstream.writableFinished) upstream.shouldKeepAlive = false;
    if (endsAtHead) {
      this.#endsAtHead = true;
      this.#connections.cancel(upstream);
      this.#onAnswerEnd();
      return;
    }
    answer.on('end', this.#onAnswerEnd);
    answer.pipe(response, { end: false });
    setImmediate(sendHeadAlone, answer, response);
  };

  readonly #onAnswerEnd = (): void => {
    if (this.isOver) return;
    const { request } = this.#call;
    if (request.complete) {
      this.#endResponse();
      return;
    }
    this.#abandonUpstream();
    request.on('end', this.#endResponse);
    this.#lingerTimer = setTimeout(this.#endResponse, lingerMs);
  };

  readonly #endResponse = (): void => {
    this.#call.response.end();
  };

  readonly #onUpstreamError = (error: Error): void => {
    // A whole answer stands, even if the pool closed the connection on the rest of the request.
    if (this.#endsAtHead || this.#answer?.complete === true) return;
    this.abort(faultOn(this.#upstream?.socket, error, this.#mayHaveSent()));
  };

  readonly #onUpstreamClose = (): void => {
    if (this.#answer === undefined) {
      // Node closes the connection without a word when the pool switches protocols.
      this.abort('http_protocol_error');
    } else if (!this.#endsAtHead && !this.#answer.complete) {
      this.abort('http_response_incomplete');
    }
  };

  readonly #onClientClose = (): void => {
    if (this.isOver) return;
    const { response } = this.#call;
    const responded = this.#state === 'relaying';
    const outcome: PassThroughOutcome = response.writableFinished
      ? { kind: 'answered', status: response.statusCode }
      : { kind: 'client-left', responded };
    this.#release();
    this.#observer.ended(outcome);
  };

  /** Lets go of everything. The socket of a request that ran its course is free by now, and stays. */
  #release(): void {
    this.#state = 'over';
    this.#resources.exchanges.delete(this);
    this.#resources.release();
    clearTimeout(this.#lingerTimer);
    this.#abandonUpstream();
  }

  /** Gives up the upstream request, and throws away what the client goes on sending for it. */
  #abandonUpstream(): void {
    const { request } = this.#call;
    if (this.#upstream) this.#connections.cancel(this.#upstream);
    if (request.readableEnded) return;
    request.unpipe();
    request.resume();
  }

  #mayHaveSent(): boolean {
    return this.#connections.mayHaveSent(this.#upstream);
  }

  #idleName(): FaultName {
    if (this.#mayHaveSent()) return 'http_response_timeout';
    return this.#upstream?.socket ? 'connection_timeout' : 'connection_limit_reached';
  }

  #closeBehindUnreadBody(): void {
    const { request, response } = this.#call;
    if (!request.complete) response.shouldKeepAlive = false;
  }
}

function ignore(): void {
  // An exchange learns what matters from other events; an error without a listener would be thrown.
}
