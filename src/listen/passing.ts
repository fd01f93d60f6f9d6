/** Calls that pass through: bounded, counted as outstanding, in order, and handed to the pass-through. */
import type { RefusalReason } from '../core/admit/admit.ts';
import type { PassThroughReason } from '../core/ucwa/classify.ts';
import type { Fault } from '../core/messages/fault.ts';
import type { Engine } from '../engine/engine.ts';
import type { PassThrough } from '../pass-through/pass-through.ts';
import type { ConnectionAuth } from './connection-auth.ts';
import type { ClientExchange } from './client-exchange.ts';
import type { ListenObserver } from './observer.ts';
import { countPassing } from './pass-through-outstanding.ts';
import { PassingCaps, type PassingLimits } from './pass-through-limits.ts';
import { passThroughHeaders } from '../core/wire/forwarded-headers.ts';

export interface PassingParts {
  readonly engine: Pick<Engine, 'barrier' | 'passedThrough'>;
  readonly passThrough: Pick<PassThrough, 'forward' | 'reserve'>;
  /** Host and port of the pool, as `Host` says them. */
  readonly authority: string;
  readonly passing: PassingLimits;
  readonly observer: ListenObserver;
  readonly now: () => number;
  /** Whether the pool counts a long poll as an outstanding call. */
  readonly longPollCounts: boolean;
}

/** What is known of a call that passes through. */
export interface PassingFacts {
  readonly reason: PassThroughReason;
  /** Whether what the peer says of the client is sent on. */
  readonly trusted: boolean;
  /** See `PassThroughCall.owner`. */
  readonly owner: string;
}

type PassingRefusal = Extract<
  RefusalReason,
  `${string}queue_${string}` | 'long_polls' | 'bound_connections'
>;

/** How the call ends, at the client's side. */
export interface PassingEnds {
  refuse(exchange: ClientExchange, reason: PassingRefusal): void;
  /** The client is answered with the fault. */
  fail(exchange: ClientExchange, fault: Fault): void;
  finished(exchange: ClientExchange, callerLeft: boolean, poll: boolean): void;
  /** Runs it; what it throws is the call's own 500. */
  guarded(exchange: ClientExchange, serve: () => void): void;
}

/** A head that passes through stands as the client sent it, as Node reads it, and as it is sent on. */
const headCopies = 3;

export class Passing {
  readonly #parts: PassingParts;
  readonly #caps: PassingCaps;
  readonly #connectionAuth: ConnectionAuth;
  readonly #ends: PassingEnds;

  constructor(parts: PassingParts, connectionAuth: ConnectionAuth, ends: PassingEnds) {
    this.#parts = parts;
    this.#caps = new PassingCaps(parts.passing);
    this.#connectionAuth = connectionAuth;
    this.#ends = ends;
  }

  pass(exchange: ClientExchange, target: string, facts: PassingFacts): void {
    const pass = (): void => this.#pass(exchange, target, facts);
    // Writes that are pipelined come to the pool in their order.
    if (exchange.isWrite) exchange.afterEarlierWrites(() => this.#ends.guarded(exchange, pass));
    else pass();
  }

  #pass(exchange: ClientExchange, target: string, { reason, trusted, owner }: PassingFacts): void {
    const { engine, observer, passThrough, authority } = this.#parts;
    const { request, response } = exchange;
    const { headers, user, costBytes, facts } = exchange.head;
    const method = request.method ?? '';
    const poll = reason === 'events' && method === 'GET';
    const over = this.#caps.take(user, poll, headCopies * costBytes);
    if (typeof over === 'string') {
      this.#ends.refuse(exchange, over);
      return;
    }
    if (exchange.isBound && !passThrough.reserve(request.socket)) {
      over();
      this.#ends.refuse(exchange, 'bound_connections');
      return;
    }
    // A write that we do not hold must not overtake what we do.
    if (reason !== 'outside' && exchange.isWrite) engine.barrier(user);
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
        owner,
        // Behind another proxy those without a credential may be anybody.
        user: user === '' && (trusted || facts.cameThroughProxy) ? undefined : user,
      },
      {
        responded: (status, fields) => {
          observer.passThroughAnswered(status);
          return this.#connectionAuth.relayedFields(exchange, status, fields);
        },
        fail: (fault) => this.#ends.fail(exchange, fault),
        ended: (outcome) => {
          over();
          uncount();
          observer.passThroughEnded(this.#parts.now() - exchange.startedAtMs);
          if (outcome.kind === 'failed' && outcome.error !== undefined) {
            observer.internalError(outcome.error);
          }
          const left = outcome.kind === 'client-left';
          if (left) observer.callerLeft('passthrough');
          this.#ends.finished(exchange, left, poll);
        },
      },
    );
  }
}
