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
import type { Arrival } from '../core/schedule/call.ts';
import { mayCollapse } from '../core/schedule/collapse.ts';
import { passThroughHeaders } from '../core/wire/encode-batch.ts';
import type { Engine } from '../engine/engine.ts';
import type { PassThrough } from '../pass-through/pass-through.ts';
import { Bodies } from './bodies.ts';
import type { ClientExchange } from './connections.ts';
import type { ListenObserver, Via } from './observer.ts';
import { countPassing } from './passing-calls.ts';
import { PassingCaps, type PassingLimits } from './passing-caps.ts';
import { ResponseCaller, type Rim } from './response-caller.ts';
import { Unread, type UnreadLimits } from './unread.ts';
import { WaitingCallers } from './waiting-callers.ts';
import { keepAliveLines } from './whole-answer.ts';
import { writeReply } from './write-reply.ts';

export interface HandlerParts {
  readonly engine: Pick<Engine, 'submit' | 'cancel' | 'barrier' | 'passedThrough'>;
  readonly passThrough: Pick<PassThrough, 'forward'>;
  /** Host and port of the pool, as `Host` says them. */
  readonly authority: string;
  readonly rules: ClassifyRules;
  /** Of all bodies that are being read. */
  readonly maxBodyBytes: number;
  readonly passing: PassingLimits;
  readonly unread: UnreadLimits;
  /** Whether what that peer says of others, in `X-Forwarded-For`, is believed. */
  readonly isTrusted: (request: IncomingMessage) => boolean;
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

const status: Record<Extract<RefusalReason, `${string}queue_${string}` | 'long_polls'>, number> = {
  long_polls: 503,
  queue_calls: 503,
  queue_bytes: 503,
  user_queue_calls: 429,
  user_queue_bytes: 429,
};

const ownMistake: Fault = { phase: 'unknown', name: 'proxy_internal_error' };

const readers: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** One exchange with a client, as it is counted in the end. */
interface Visit {
  readonly exchange: ClientExchange;
  readonly head: RequestHead;
  readonly startedAtMs: number;
  readonly poll: boolean;
}

export class RequestHandler {
  readonly #parts: HandlerParts;
  /** Connections that end with a refusal: what comes behind it on them is not read. */
  readonly #refused = new WeakSet<Socket>();
  readonly #passingCaps: PassingCaps;
  readonly #waiting: WaitingCallers;
  readonly #rim: Rim;
  readonly #bodies: Bodies;

  constructor(parts: HandlerParts) {
    this.#parts = parts;
    this.#passingCaps = new PassingCaps(parts.passing);
    this.#bodies = new Bodies(parts.maxBodyBytes);
    this.#waiting = new WaitingCallers(parts.maxWaiting, parts.overdueMs, parts.observer);
    this.#rim = {
      stallMs: parts.stallMs,
      unread: new Unread(parts.unread),
      stalled: () => parts.observer.refused('slow_reader'),
      waiting: this.#waiting,
      keepAlive: keepAliveLines(parts.keepAliveTimeoutMs),
    };
  }

  handle(exchange: ClientExchange): void {
    if (this.#refused.has(exchange.request.socket)) return;
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
    if (this.#refused.has(exchange.request.socket)) return;
    this.#refuse(this.#visit(exchange), 417, 'expectation');
  }

  #route(exchange: ClientExchange): void {
    const visit = this.#visit(exchange);
    const { head } = visit;
    const known = exchange.head;
    const { facts } = known;
    const target = admit(head, facts);
    if (typeof target !== 'string') {
      this.#refuse(visit, target.status, target.reason);
      return;
    }
    const classified = classify(head, target, facts, this.#parts.rules, known.applicationPath);
    const trusted = this.#parts.isTrusted(exchange.request);
    if (classified.kind === 'pass-through') {
      this.#passThrough(visit, target, classified.reason, trusted);
      return;
    }
    const { applicationPath, resource } = classified;
    const key = known.keyOf(applicationPath, trusted ? facts.forwardedFor : undefined);
    const submit = (body: Buffer): void =>
      this.#submit(visit, {
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
    const isRead = this.#bodies.read(exchange.request, bodyBytes(facts) ?? 0, (body) => {
      if (!exchange.isOver) this.#guarded(exchange, () => submit(body));
    });
    if (!isRead) this.#refuse(visit, status.queue_bytes, 'queue_bytes');
  }

  #visit(exchange: ClientExchange): Visit {
    const { request, head } = exchange;
    return {
      exchange,
      head: {
        method: request.method ?? '',
        target: request.url ?? '',
        httpVersion: request.httpVersion,
        headers: head.headers,
      },
      startedAtMs: this.#parts.now(),
      poll: false,
    };
  }

  #submit(visit: Visit, arrival: Arrival<ResponseCaller>): void {
    const { exchange } = visit;
    const { engine, observer } = this.#parts;
    const { ticket } = arrival;
    exchange.shareHead();
    const call = engine.submit(arrival);
    if (typeof call === 'string') {
      this.#refuse(visit, status[call], call);
      return;
    }
    this.#waiting.add(ticket, call, this.#parts.now(), () => engine.cancel(call));
    exchange.onOver(() => {
      this.#waiting.delete(ticket);
      const left = !exchange.isAnswered && !ticket.wasCut;
      if (call.stage !== 'done') {
        if (left) observer.callerLeft(call.stage);
        engine.cancel(call);
      }
      const via = (call.batch?.calls.length ?? 1) > 1 ? 'batch' : 'single';
      this.#finished(visit, via, left);
    });
  }

  #passThrough(visit: Visit, target: string, reason: PassThroughReason, trusted: boolean): void {
    const { engine, observer, passThrough, authority } = this.#parts;
    const { head, exchange } = visit;
    const { request, response } = exchange;
    const { user } = exchange.head;
    const poll = reason === 'events' && head.method === 'GET';
    const over = this.#passingCaps.take(user, poll);
    if (typeof over === 'string') {
      this.#refuse(visit, status[over], over);
      return;
    }
    // A write that we do not hold must not overtake what we do.
    if (reason !== 'outside' && !readers.has(head.method)) engine.barrier(user);
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
        headers: passThroughHeaders(head.headers, authority, trusted),
        poll,
      },
      {
        responded: (code) => observer.passThroughAnswered(code),
        fail: (fault) => this.#fail(exchange, fault),
        ended: (outcome) => {
          over();
          uncount();
          observer.passThroughEnded(this.#parts.now() - visit.startedAtMs);
          if (outcome.kind === 'failed' && outcome.error !== undefined) {
            observer.internalError(outcome.error);
          }
          const left = outcome.kind === 'client-left';
          if (left) observer.callerLeft('passthrough');
          this.#finished({ ...visit, poll }, 'passthrough', left);
        },
      },
    );
  }

  #refuse(visit: Visit, code: number, reason: RefusalReason): void {
    const { exchange } = visit;
    this.#parts.observer.refused(reason);
    // What the client goes on sending is not answered, so nothing of it can pass for a request.
    if (code !== 503 && code !== 429) {
      exchange.response.shouldKeepAlive = false;
      this.#refused.add(exchange.request.socket);
    }
    const reply = answerForRefusal(code, reason, exchange.head.onlyXml);
    writeReply(exchange, reply, this.#rim.keepAlive);
    this.#finished(visit, 'refused', false);
  }

  #fail(exchange: ClientExchange, fault: Fault): void {
    writeReply(exchange, answerForFault(fault, exchange.head.onlyXml), this.#rim.keepAlive);
  }

  #finished({ head, exchange, startedAtMs, poll }: Visit, via: Via, callerLeft: boolean): void {
    const { response } = exchange;
    this.#parts.observer.finished({
      via,
      status: response.headersSent ? response.statusCode : 0,
      durationMs: this.#parts.now() - startedAtMs,
      method: head.method,
      target: head.target,
      credential: exchange.head.user,
      poll,
      callerLeft,
    });
  }
}
