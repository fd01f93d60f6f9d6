/**
 * From Node's request to one of its three fates: refused, passed through, or handed to the engine;
 * and back from the answer to what is counted.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { admit, type RefusalReason } from '../core/admit/admit.ts';
import {
  bodyBytes,
  classify,
  type ClassifyRules,
  type PassThroughReason,
} from '../core/admit/classify.ts';
import { callClassOf } from '../core/admit/call-class.ts';
import type { RequestHead } from '../core/admit/request-head.ts';
import type { Fault } from '../core/answer/fault.ts';
import { answerForFault, answerForRefusal } from '../core/answer/own-answers.ts';
import type { Arrival, Call } from '../core/schedule/call.ts';
import { mayCollapse } from '../core/schedule/collapse.ts';
import { passThroughHeaders } from '../core/wire/encode-batch.ts';
import type { Caller } from '../engine/caller.ts';
import type { Engine } from '../engine/engine.ts';
import type { PassThrough } from '../pass-through/pass-through.ts';
import { Bodies } from './bodies.ts';
import { ConnectionAuth, type ConnectionAuthMode } from './connection-auth.ts';
import type { ClientExchange } from './connections.ts';
import type { ListenObserver, Via } from './observer.ts';
import { countPassing } from './passing-calls.ts';
import { PassingCaps, type PassingLimits } from './passing-caps.ts';
import { overflowStatus } from './overflow-status.ts';
import { ResponseCaller, type Rim } from './response-caller.ts';
import { Unread, type UnreadLimits } from './unread.ts';
import { WaitingCallers } from './waiting-callers.ts';
import { keepAliveLines } from './whole-answer.ts';
import { writeReply } from './write-reply.ts';

export interface HandlerParts {
  readonly engine: Pick<Engine, 'submit' | 'cancel' | 'barrier' | 'passedThrough'>;
  readonly passThrough: Pick<PassThrough, 'forward' | 'reserve'>;
  /** Host and port of the pool, as `Host` says them. */
  readonly authority: string;
  readonly rules: ClassifyRules;
  /** Of all bodies that are being read. */
  readonly maxBodyBytes: number;
  readonly passing: PassingLimits;
  readonly unread: UnreadLimits;
  /** Whether what that peer says of others, in `X-Forwarded-For`, is believed. */
  readonly isTrusted: (request: IncomingMessage) => boolean;
  readonly connectionAuth: ConnectionAuthMode;
  readonly observer: ListenObserver;
  readonly now: () => number;
  /** Whether the pool counts a long poll as an outstanding call. */
  readonly longPollCounts: boolean;
  /** A caller who takes nothing of a streamed answer for so long is cut off. */
  readonly stallMs: number;
  readonly keepAliveTimeoutMs: number;
  /** Of callers who wait for an answer to begin. */
  readonly maxWaiting: number;
  /** Nobody waits so long. */
  readonly overdueMs: number;
}

/** Bytes of a part besides its own fields: delimiter, part header, request line, `Host`. */
const partOverheadBytes = 160;

const ownMistake: Fault = { phase: 'unknown', name: 'proxy_internal_error' };

const readers: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export class RequestHandler {
  readonly #parts: HandlerParts;
  /** Connections that end with an answer: what comes behind its request is not served. */
  readonly #ending = new WeakSet<Socket>();
  readonly #passingCaps: PassingCaps;
  readonly #waiting: WaitingCallers;
  readonly #rim: Rim;
  readonly #bodies: Bodies;
  readonly #connectionAuth: ConnectionAuth;
  readonly #cancel: (call: Call<Caller>) => void;

  constructor(parts: HandlerParts) {
    this.#parts = parts;
    this.#passingCaps = new PassingCaps(parts.passing);
    this.#bodies = new Bodies(parts.maxBodyBytes);
    this.#connectionAuth = new ConnectionAuth(parts.connectionAuth, ({ request }) =>
      parts.isTrusted(request),
    );
    this.#cancel = (call) => parts.engine.cancel(call);
    this.#waiting = new WaitingCallers(parts.maxWaiting, parts.overdueMs, parts.observer);
    this.#rim = {
      stallMs: parts.stallMs,
      unread: new Unread(parts.unread),
      stalled: () => parts.observer.refused('slow_reader'),
      relayed: (exchange, head) => this.#connectionAuth.relayed(exchange, head),
      over: (caller) => this.#over(caller),
      waiting: this.#waiting,
      keepAlive: keepAliveLines(parts.keepAliveTimeoutMs),
    };
  }

  handle(exchange: ClientExchange): void {
    if (this.#ending.has(exchange.request.socket)) return;
    exchange.startedAtMs = this.#parts.now();
    this.#guarded(exchange, () => this.#route(exchange));
  }

  /** To be called every second. */
  checkWaiting(): void {
    this.#waiting.check(this.#parts.now());
  }

  /** A mistake of ours is one caller's 500, and nobody else's business. */
  #guarded(exchange: ClientExchange, serve: () => void): void {
    try {
      serve();
    } catch (error) {
      this.#parts.observer.internalError(error);
      if (exchange.response.headersSent) exchange.response.destroy();
      else this.#fail(exchange, ownMistake);
    }
  }

  /** An `Expect` other than `100-continue`. */
  refuseExpectation(exchange: ClientExchange): void {
    if (this.#ending.has(exchange.request.socket)) return;
    exchange.startedAtMs = this.#parts.now();
    this.#refuse(exchange, 417, 'expectation');
  }

  #route(exchange: ClientExchange): void {
    const { request, head: known } = exchange;
    const { facts } = known;
    const head: RequestHead = {
      method: request.method ?? '',
      target: request.url ?? '',
      httpVersion: request.httpVersion,
      headers: known.headers,
    };
    const target = admit(head, facts);
    if (typeof target !== 'string') {
      this.#refuse(exchange, target.status, target.reason);
      return;
    }
    if (facts.upgrade && facts.namesUpgrade) this.#endBehind(exchange);
    if (!this.#connectionAuth.admit(exchange, facts)) {
      this.#refuse(exchange, 501, 'connection_auth');
      return;
    }
    const classified = classify(head, target, facts, this.#parts.rules, known.applicationPath);
    const trusted = this.#parts.isTrusted(request);
    if (classified.kind === 'pass-through' || exchange.isBound) {
      const reason = classified.kind === 'pass-through' ? classified.reason : 'connection_auth';
      this.#passThrough(exchange, target, reason, trusted);
      return;
    }
    const { applicationPath, resource } = classified;
    const key = known.keyOf(applicationPath, trusted ? facts.forwardedFor : undefined);
    const submit = (body: Buffer): void =>
      this.#submit(exchange, {
        ticket: new ResponseCaller(exchange, this.#rim),
        key,
        callClass: callClassOf(head.method, target, resource, body),
        resource,
        collapsible: head.method === 'GET' && mayCollapse(head.headers),
        method: head.method,
        target,
        headers: head.headers,
        body,
        sizeBytes: facts.bytes + target.length + body.length + partOverheadBytes,
      });
    const isRead = this.#bodies.read(request, bodyBytes(facts) ?? 0, (body) => {
      if (!exchange.isOver) this.#guarded(exchange, () => submit(body));
    });
    if (!isRead) this.#refuse(exchange, overflowStatus.queue_bytes, 'queue_bytes');
  }

  #submit(exchange: ClientExchange, arrival: Arrival<ResponseCaller>): void {
    const { ticket } = arrival;
    exchange.shareHead();
    const call = this.#parts.engine.submit(arrival);
    if (typeof call === 'string') {
      this.#refuse(exchange, overflowStatus[call], call);
      return;
    }
    ticket.call = call;
    this.#waiting.add(ticket, call, this.#parts.now(), this.#cancel);
    exchange.onOver(ticket);
  }

  /** The exchange of a caller is over, whose call was taken in. */
  #over(caller: ResponseCaller): void {
    const { call, exchange } = caller;
    if (call === undefined) return;
    this.#waiting.delete(caller);
    const left = !exchange.isAnswered && !caller.wasCut;
    if (call.stage !== 'done') {
      if (left) this.#parts.observer.callerLeft(call.stage);
      this.#cancel(call);
    }
    const via = (call.batch?.calls.length ?? 1) > 1 ? 'batch' : 'single';
    this.#finished(exchange, via, left);
  }

  #passThrough(
    exchange: ClientExchange,
    target: string,
    reason: PassThroughReason,
    trusted: boolean,
  ): void {
    const { engine, observer, passThrough, authority } = this.#parts;
    const { request, response } = exchange;
    const { headers, user } = exchange.head;
    const method = request.method ?? '';
    const poll = reason === 'events' && method === 'GET';
    const over = this.#passingCaps.take(user, poll);
    if (typeof over === 'string') {
      this.#refuse(exchange, overflowStatus[over], over);
      return;
    }
    if (exchange.isBound && !passThrough.reserve(request.socket)) {
      over();
      this.#refuse(exchange, overflowStatus.bound_connections, 'bound_connections');
      return;
    }
    // A write that we do not hold must not overtake what we do.
    if (reason !== 'outside' && !readers.has(method)) engine.barrier(user);
    observer.passedThrough(reason);
    const uncount =
      poll && !this.#parts.longPollCounts
        ? () => undefined
        : countPassing(request, exchange.head, reason, poll, engine);
    exchange.follow();
    passThrough.forward(
      {
        request,
        response,
        target,
        headers: passThroughHeaders(headers, authority, trusted, request.httpVersion),
        poll,
        isBound: exchange.isBound,
      },
      {
        responded: (code, fields) => {
          observer.passThroughAnswered(code);
          return this.#connectionAuth.relayedFields(exchange, code, fields);
        },
        fail: (fault) => this.#fail(exchange, fault),
        ended: (outcome) => {
          over();
          uncount();
          observer.passThroughEnded(this.#parts.now() - exchange.startedAtMs);
          if (outcome.kind === 'failed' && outcome.error !== undefined) {
            observer.internalError(outcome.error);
          }
          const left = outcome.kind === 'client-left';
          if (left) observer.callerLeft('passthrough');
          this.#finished(exchange, 'passthrough', left, poll);
        },
      },
    );
  }

  #refuse(exchange: ClientExchange, code: number, reason: RefusalReason): void {
    this.#parts.observer.refused(reason);
    // What the client goes on sending is not answered, so nothing of it can pass for a request.
    if (code !== 503 && code !== 429) this.#endBehind(exchange);
    const reply = answerForRefusal(code, reason, exchange.head.onlyXml);
    writeReply(exchange, reply, this.#rim.keepAlive);
    this.#finished(exchange, 'refused', false);
  }

  /** The connection closes behind the answer, and what the client has sent behind it is not served. */
  #endBehind({ request, response }: ClientExchange): void {
    response.shouldKeepAlive = false;
    this.#ending.add(request.socket);
  }

  #fail(exchange: ClientExchange, fault: Fault): void {
    writeReply(exchange, answerForFault(fault, exchange.head.onlyXml), this.#rim.keepAlive);
  }

  #finished(exchange: ClientExchange, via: Via, callerLeft: boolean, poll = false): void {
    const { request, response, startedAtMs } = exchange;
    this.#parts.observer.finished({
      via,
      status: response.headersSent ? response.statusCode : 0,
      durationMs: this.#parts.now() - startedAtMs,
      method: request.method ?? '',
      target: request.url ?? '',
      credential: exchange.head.user,
      poll,
      callerLeft,
    });
  }
}
