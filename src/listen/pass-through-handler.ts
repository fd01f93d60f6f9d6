/** Calls that pass through: bounded, counted as outstanding, in order, and handed to the pass-through. */
import type { RefusalReason } from '../core/admit/admit.ts';
import type { PassThroughReason } from '../core/ucwa/classify.ts';
import type { Fault } from '../core/messages/fault.ts';
import type { Engine } from '../engine/engine.ts';
import type { PassThrough } from '../pass-through/pass-through.ts';
import type { ConnectionAuth } from './connection-auth.ts';
import type { ClientExchange } from './client-exchange.ts';
import type { ListenObserver } from './observer.ts';
import { countOutstanding } from './pass-through-outstanding.ts';
import { PassThroughLimiter, type PassThroughLimits } from './pass-through-limits.ts';
import { passThroughHeaders } from '../core/wire/forwarded-headers.ts';

export interface PassThroughParts {
  readonly engine: Pick<Engine, 'barrier' | 'passedThrough'>;
  readonly passThrough: Pick<PassThrough, 'forward' | 'reserve'>;
  /** Host and port of the pool, as `Host` says them. */
  readonly authority: string;
  readonly passing: PassThroughLimits;
  readonly observer: ListenObserver;
  readonly now: () => number;
  /** Whether the pool counts a long poll as an outstanding call. */
  readonly longPollCounts: boolean;
}

/** What is known of a call that passes through. */
export interface PassThroughFacts {
  readonly reason: PassThroughReason;
  /** Whether what the peer says of the client is sent on. */
  readonly trusted: boolean;
  /** See `PassThroughCall.owner`. */
  readonly owner: string;
}

type PassThroughRefusal = Extract<
  RefusalReason,
  `${string}queue_${string}` | 'long_polls' | 'bound_connections'
>;

/** How the call ends, at the client's side. */
export interface PassThroughReplies {
  refuse(exchange: ClientExchange, reason: PassThroughRefusal): void;
  /** The client is answered with the fault. */
  fail(exchange: ClientExchange, fault: Fault): void;
  finished(exchange: ClientExchange, callerLeft: boolean, poll: boolean): void;
  /** Runs it; what it throws is the call's own 500. */
  guarded(exchange: ClientExchange, serve: () => void): void;
}

/** A head that passes through stands as the client sent it, as Node reads it, and as it is sent on. */
const headCopies = 3;

export class PassThroughHandler {
  readonly #parts: PassThroughParts;
  readonly #limiter: PassThroughLimiter;
  readonly #connectionAuth: ConnectionAuth;
  readonly #replies: PassThroughReplies;

  constructor(
    parts: PassThroughParts,
    connectionAuth: ConnectionAuth,
    replies: PassThroughReplies,
  ) {
    this.#parts = parts;
    this.#limiter = new PassThroughLimiter(parts.passing);
    this.#connectionAuth = connectionAuth;
    this.#replies = replies;
  }

  pass(exchange: ClientExchange, target: string, facts: PassThroughFacts): void {
    const pass = (): void => this.#pass(exchange, target, facts);
    // Writes that are pipelined come to the pool in their order.
    if (exchange.isWrite) exchange.afterEarlierWrites(() => this.#replies.guarded(exchange, pass));
    else pass();
  }

  #pass(
    exchange: ClientExchange,
    target: string,
    { reason, trusted, owner }: PassThroughFacts,
  ): void {
    const { engine, observer, passThrough, authority } = this.#parts;
    const { request, response } = exchange;
    const { headers, user, costBytes, facts } = exchange.head;
    const method = request.method ?? '';
    const poll = reason === 'events' && method === 'GET';
    const release = this.#limiter.acquire(user, poll, headCopies * costBytes);
    if (typeof release === 'string') {
      this.#replies.refuse(exchange, release);
      return;
    }
    if (exchange.isBound && !passThrough.reserve(request.socket)) {
      release();
      this.#replies.refuse(exchange, 'bound_connections');
      return;
    }
    // A write that we do not hold must not overtake what we do.
    if (reason !== 'outside' && exchange.isWrite) engine.barrier(user);
    observer.passedThrough(reason);
    const uncount =
      poll && !this.#parts.longPollCounts
        ? () => undefined
        : countOutstanding(request, exchange.head, reason, poll, engine);
    exchange.follow();
    passThrough.forward(
      {
        request,
        response,
        target,
        headers: passThroughHeaders(headers, authority, trusted, request.httpVersion),
        poll,
        isBound: exchange.isBound,
        owner,
        // Behind another proxy those without a credential may be anybody.
        user: user === '' && (trusted || facts.cameThroughProxy) ? undefined : user,
      },
      {
        responded: (status, fields) => {
          observer.passThroughAnswered(status);
          return this.#connectionAuth.relayedFields(exchange, status, fields);
        },
        fail: (fault) => this.#replies.fail(exchange, fault),
        ended: (outcome) => {
          release();
          uncount();
          observer.passThroughEnded(this.#parts.now() - exchange.startedAtMs);
          if (outcome.kind === 'failed' && outcome.error !== undefined) {
            observer.internalError(outcome.error);
          }
          const left = outcome.kind === 'client-left';
          if (left) observer.callerLeft('passthrough');
          this.#replies.finished(exchange, left, poll);
        },
      },
    );
  }
}
