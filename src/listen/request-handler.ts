/** Handles each request: refuses it, passes it through, or submits it to the engine. Reports finished calls. */
import { admit, type RefusalReason } from '../core/admit/admit.ts';
import { classify } from '../core/ucwa/classify.ts';
import { callClassOf } from '../core/ucwa/call-class.ts';
import type { Fault } from '../core/messages/fault.ts';
import { answerForFault } from '../core/answer/own-answers.ts';
import type { Arrival } from '../core/schedule/state.ts';
import { BodyReader } from './body-reader.ts';
import { forwardedAddress } from './client-address.ts';
import { ConnectionAuth } from './connection-auth.ts';
import { detailsOf, notesOf, type Way } from './call-details.ts';
import type { ClientExchange } from './client-exchange.ts';
import { ownReply } from './explain.ts';
import type { HandlerParts, HandlerPool } from './handler-parts.ts';
import type { Newcomers } from './newcomers.ts';
import type { Via } from './observer.ts';
import { overflowStatus } from './overflow-status.ts';
import { partOverheadBytes } from './part-overhead.ts';
import { type CallReplies, PassThroughHandler } from './pass-through-handler.ts';
import { Refusals } from './refusals.ts';
import { ResponseCaller, type ServerEdge } from './response-caller.ts';
import { Turns } from './turns.ts';
import { WriteBufferLimiter } from './write-buffer-limit.ts';
import { PendingCallers } from './pending-callers.ts';
import { keepAliveLines, writeReply } from './write-reply.ts';

const noBody = Buffer.alloc(0);
const internalFault: Fault = { phase: 'unknown', name: 'proxy_internal_error' };

export class RequestHandler {
  readonly #parts: HandlerParts;
  readonly #refusals: Refusals;
  readonly #passThrough: PassThroughHandler;
  readonly #newcomers: Newcomers;
  readonly #turns: Turns;
  readonly #pending: PendingCallers;
  readonly #edge: ServerEdge;
  readonly #bodyReader: BodyReader;
  readonly #connectionAuth: ConnectionAuth;

  constructor(parts: HandlerParts) {
    this.#parts = parts;
    this.#bodyReader = new BodyReader(parts.maxBodyBytes);
    this.#connectionAuth = new ConnectionAuth(
      (pool) => parts.pools[pool]?.connectionAuth ?? 'refuse',
      ({ request }) => parts.isTrusted(request),
    );
    this.#newcomers = parts.newcomers;
    const replies: CallReplies = {
      refuse: (exchange, reason) => this.#refuse(exchange, overflowStatus[reason], reason),
      fail: (exchange, fault) => this.#fail(exchange, fault),
      refuseBody: (exchange, phase) =>
        this.#refusals.write(exchange, overflowStatus.slow_request, 'slow_request', phase),
      finished: (exchange, via, callerLeft, way) => this.#finished(exchange, via, callerLeft, way),
      guarded: (exchange, serve) => this.#guarded(exchange, serve),
    };
    this.#turns = new Turns(this.#newcomers, parts, replies);
    this.#passThrough = new PassThroughHandler(parts, this.#connectionAuth, replies);
    const keepAlive = keepAliveLines(parts.keepAliveTimeoutMs);
    this.#refusals = new Refusals(parts.observer, keepAlive);
    this.#pending = new PendingCallers(parts, parts.overdueMs, parts.observer);
    this.#edge = {
      stallMs: parts.stallMs,
      now: parts.now,
      buffers: new WriteBufferLimiter(parts.unread),
      stalled: () => parts.observer.refused('slow_reader'),
      auth: this.#connectionAuth,
      links: parts.links,
      coding: parts.coding,
      over: (caller) => this.#callerOver(caller),
      pending: this.#pending,
      keepAlive,
    };
  }

  /** Number of calls that wait to be submitted to the engine. */
  get waitingCalls(): number {
    return this.#newcomers.waitingCalls;
  }

  handle(exchange: ClientExchange): void {
    if (this.#refusals.closing.has(exchange.request.socket)) return;
    this.#guarded(exchange, () => this.#route(this.#began(exchange)));
  }

  #began(exchange: ClientExchange): ClientExchange {
    exchange.startedAtMs = this.#parts.now();
    exchange.trace = this.#parts.tracer?.begin(exchange);
    return exchange;
  }

  /** Answers callers and calls that have waited too long. To be called every second. */
  checkWaiting(): void {
    const nowMs = this.#parts.now();
    this.#pending.check(nowMs);
    this.#turns.giveUp(nowMs - this.#parts.timeoutMs, 'connection_limit_reached');
  }

  /** Answers all calls that are not submitted to the engine yet. To be called before the engine stops. */
  endWaiting(): void {
    this.#turns.giveUp(Infinity, 'destination_unavailable');
  }

  /** Runs `serve`. An exception is reported, and only this exchange is answered with 500. */
  #guarded(exchange: ClientExchange, serve: () => void): void {
    try {
      serve();
    } catch (error) {
      this.#parts.observer.internalError(error);
      if (exchange.response.headersSent) exchange.response.destroy();
      else this.#fail(exchange, internalFault);
    }
  }

  /** Reports input that was refused before it became a request. */
  refused(reason: RefusalReason): void {
    this.#parts.observer.refused(reason);
  }

  /** Refuses a request with a body that has stopped. */
  refuseBody(exchange: ClientExchange): void {
    // The refusal is the only report of a write that waits for its turn.
    this.#newcomers.take(exchange);
    this.#refuse(exchange, overflowStatus.slow_request, 'slow_request');
  }

  /** Refuses a request with an `Expect` other than `100-continue`. */
  refuseExpectation(exchange: ClientExchange): void {
    if (this.#refusals.closing.has(exchange.request.socket)) return;
    this.#guarded(exchange, () => this.#refuse(this.#began(exchange), 417, 'expectation'));
  }

  #route(exchange: ClientExchange): void {
    const { request, head: known } = exchange;
    const { facts, destination } = known;
    const head = {
      method: request.method ?? '',
      target: request.url ?? '',
      httpVersion: request.httpVersion,
      headers: this.#parts.coding === undefined ? known.headers : known.forwardable,
    };
    const target = admit(head, facts);
    if (typeof target !== 'string') {
      this.#refuse(exchange, target.status, target.reason);
      return;
    }
    const pool = this.#parts.pools[exchange.pool];
    if (destination === undefined || pool === undefined) {
      this.#refuse(exchange, 421, 'unknown_host');
      return;
    }
    if (facts.upgrade && facts.namesUpgrade) this.#refusals.closeAfterAnswer(exchange);
    if (!this.#connectionAuth.admit(exchange, facts)) {
      this.#refuse(exchange, 501, 'connection_auth');
      return;
    }
    pool.priming?.began(exchange);
    const classified = classify(head, target, facts, this.#parts.rules, known.applicationPath);
    const trusted = exchange.isTrusted(this.#parts.isTrusted);
    const forwarded = exchange.forwarded(trusted);
    const forwardedFor = trusted ? facts.forwardedFor : undefined;
    const peer = exchange.peerAddress;
    const address = forwardedFor === undefined ? peer : forwardedAddress(forwardedFor, peer);
    const isNew = this.#newcomers.isNew(known.user);
    const poll =
      classified.kind === 'pass-through' && classified.reason === 'events' && head.method === 'GET';
    const overflow = isNew ? this.#newcomers.admit(exchange, address, poll) : undefined;
    if (overflow !== undefined) {
      this.#refuse(exchange, overflowStatus[overflow], overflow);
      return;
    }
    if (classified.kind === 'pass-through' || exchange.isBound || !pool.isBatched) {
      const reason =
        classified.kind === 'pass-through'
          ? classified.reason
          : exchange.isBound
            ? 'connection_auth'
            : 'opt_out';
      const owner = isNew ? address : known.user;
      const { authority } = destination;
      const pass = (): void =>
        this.#passThrough.pass(exchange, target, {
          ...{ pool, authority, forwarded, reason, trusted, owner, poll },
        });
      // A passed-through write must not overtake calls of its user that wait.
      if (exchange.isWrite && reason !== 'outside' && this.#newcomers.isWaiting(known.user))
        this.#turns.take(exchange, address, facts.bytes, 'passthrough', pass);
      else pass();
      return;
    }
    const { applicationPath, resource } = classified;
    const key = known.keyOf(applicationPath, forwarded);
    const submit = (body: Buffer, acceptedAtMs: number): void =>
      this.#submit(exchange, pool, {
        acceptedAtMs,
        caller: new ResponseCaller(exchange, this.#edge),
        key,
        callClass: callClassOf(head.method, target, resource, body),
        resource,
        collapsible: head.method === 'GET' && !facts.noCache,
        urgency: known.urgency,
        method: head.method,
        target,
        headers: head.headers,
        body,
        sizeBytes: facts.bytes + target.length + body.length + partOverheadBytes,
      });
    const ready = (body: Buffer): void => {
      if (exchange.isOver) return;
      const nowMs = this.#parts.now();
      const begin = (): void => submit(body, nowMs);
      // A user may have become known while earlier calls of this user wait.
      if (isNew || this.#newcomers.isWaiting(known.user))
        this.#turns.take(exchange, address, facts.bytes + body.length, 'single', begin);
      else this.#guarded(exchange, begin);
    };
    const bodyBytes = Number(facts.contentLength ?? 0);
    if (bodyBytes === 0) {
      ready(noBody);
      return;
    }
    this.#bodyReader.read(exchange, bodyBytes, address, ready, (reason) => {
      if (!exchange.isOver) this.#refuse(exchange, overflowStatus[reason], reason);
    });
  }

  #submit(exchange: ClientExchange, pool: HandlerPool, arrival: Arrival<ResponseCaller>): void {
    const { caller, target, body } = arrival;
    exchange.shareHead();
    if (arrival.callClass === 'operation')
      this.#parts.heldEvents?.begin(exchange, target, body, () => caller.call?.attempts !== 0);
    const isTaken = pool.priming?.takes(exchange, arrival, () =>
      this.#guarded(exchange, () => this.#send(exchange, pool, arrival)),
    );
    if (isTaken === true) exchange.onOver(caller);
    else this.#send(exchange, pool, arrival);
  }

  #send(exchange: ClientExchange, { engine }: HandlerPool, arrival: Arrival<ResponseCaller>): void {
    const { caller } = arrival;
    const call = engine.submit(arrival);
    if (typeof call === 'string') {
      this.#refuse(exchange, overflowStatus[call], call);
      return;
    }
    caller.call = call;
    this.#pending.add(caller, call, this.#parts.now(), engine);
    exchange.onOver(caller);
  }

  /** Cancels and reports a submitted call when the exchange of its caller is over. */
  #callerOver(caller: ResponseCaller): void {
    const { call, exchange } = caller;
    const callerLeft = !exchange.isAnswered && !caller.wasCut;
    if (caller.isPrimed) {
      if (callerLeft) this.#parts.observer.callerLeft('sent');
      this.#finished(exchange, 'batch', callerLeft);
    }
    if (call === undefined) return;
    if (caller.isWaiting) this.#pending.delete(caller);
    if (call.stage !== 'done') {
      if (callerLeft) this.#parts.observer.callerLeft(call.stage);
      this.#parts.pools[exchange.pool]?.engine.cancel(call);
    }
    const isBatched = (call.batch?.calls.length ?? 1) > 1 && call.hedgeAnswer?.isUsed !== true;
    this.#finished(exchange, isBatched ? 'batch' : 'single', callerLeft, { call });
  }

  #refuse(exchange: ClientExchange, code: number, reason: RefusalReason): void {
    this.#refusals.write(exchange, code, reason);
    this.#finished(exchange, 'refused', false);
  }

  #fail(exchange: ClientExchange, fault: Fault): void {
    const reply = ownReply(exchange, answerForFault(fault, exchange.head.onlyXml), 'failed');
    writeReply(exchange, reply, this.#edge.keepAlive);
  }

  #finished(exchange: ClientExchange, via: Via, callerLeft: boolean, way: Way = {}): void {
    const { accessLog } = this.#parts;
    const { request, response, startedAtMs } = exchange;
    const isProof = via !== 'refused' && Math.trunc(response.statusCode / 100) === 2;
    if (isProof && response.headersSent) this.#newcomers.prove(exchange.head.user);
    const call = {
      ...{ via, callerLeft },
      status: response.headersSent ? response.statusCode : 0,
      durationMs: this.#parts.now() - startedAtMs,
      method: request.method ?? '',
      target: request.url ?? '',
      user: exchange.head.user,
      poll: way.poll === true,
      trace: exchange.trace,
    };
    exchange.trace?.named(notesOf(exchange).id);
    this.#parts.observer.finished(call);
    if (accessLog.wants(call)) accessLog.access(call, detailsOf(exchange, way));
    this.#parts.watch?.current?.finished(call);
  }
}
