/** Handles pass-through requests: limits, counts and orders them, and forwards them to the pass-through. */
import type { RefusalReason } from '../core/admit/admit.ts';
import type { PassThroughReason } from '../core/ucwa/classify.ts';
import type { Fault, FaultName, FaultPhase } from '../core/messages/fault.ts';
import type { Engine } from '../engine/engine.ts';
import type { AnswerGate } from '../pass-through/answer-gate.ts';
import type { PassThrough } from '../pass-through/pass-through.ts';
import type { AnswerCoding } from './answer-coding.ts';
import type { PassThroughOutcome } from '../pass-through/pass-through-call.ts';
import type { ConnectionAuth } from './connection-auth.ts';
import type { Way } from './call-details.ts';
import type { ClientExchange } from './client-exchange.ts';
import { CodedPassing } from './coded-passing.ts';
import { passedFields } from './explain.ts';
import type { EventPriming } from './event-priming.ts';
import type { HeldEvents } from './held-events.ts';
import type { LinkRewriter } from './link-rewriter.ts';
import type { ListenObserver, Via } from './observer.ts';
import { countOutstanding } from './pass-through-outstanding.ts';
import type { PassThroughLimiter } from './pass-through-limits.ts';
import type { ForwardedFields } from '../core/messages/forwarded-fields.ts';
import { passThroughHeaders } from '../core/messages/forwarded-headers.ts';

/** The parts of one pool that pass-through requests use. */
export interface PassThroughPool {
  readonly engine: Pick<Engine, 'barrier' | 'passedThrough'>;
  readonly passThrough: Pick<PassThrough, 'forward' | 'reserve' | 'onlyServer'>;
  /** `undefined`: calls are not held for the events that announce them. */
  readonly priming?: EventPriming | undefined;
  /** A request to the pool failed after a byte of it may have been sent. */
  readonly failed?: (name: FaultName) => void;
}

export interface PassThroughParts {
  /** Counts the calls of all listeners. */
  readonly limiter: PassThroughLimiter;
  readonly links: Pick<LinkRewriter, 'relayed' | 'relayedFields' | 'documentFor'>;
  readonly observer: ListenObserver;
  readonly now: () => number;
  /** Whether the pool counts a long poll as an outstanding call. */
  readonly longPollCounts: boolean;
  /** `undefined`: events are never held. */
  readonly heldEvents: HeldEvents | undefined;
  /** Codes answers; `undefined` if the settings turn it off. */
  readonly coding: AnswerCoding | undefined;
}

/** The classification of a pass-through request. */
export interface PassThroughFacts {
  readonly pool: PassThroughPool;
  /** The `Host` for the pool. */
  readonly authority: string;
  /** The description of the client. */
  readonly forwarded: ForwardedFields;
  readonly reason: PassThroughReason;
  /** Whether the peer's fields about the client, such as `X-Forwarded-For`, are forwarded. */
  readonly trusted: boolean;
  /** See `PassThroughCall.owner`. */
  readonly owner: string;
  /** Whether it is a long poll of the event channel. */
  readonly poll: boolean;
}

type PassThroughRefusal = Extract<
  RefusalReason,
  `${string}queue_${string}` | 'long_polls' | 'bound_connections' | 'newcomers'
>;

/** Answers and reports a pass-through request at the client's side. */
export interface CallReplies {
  refuse(exchange: ClientExchange, reason: PassThroughRefusal): void;
  /** Answers the client with the fault. */
  fail(exchange: ClientExchange, fault: Fault): void;
  /** Answers a client that has stopped sending its body. */
  refuseBody(exchange: ClientExchange, phase: FaultPhase): void;
  finished(exchange: ClientExchange, via: Via, callerLeft: boolean, way?: Way): void;
  /** Runs `serve`. An exception is answered with 500. */
  guarded(exchange: ClientExchange, serve: () => void): void;
}

/** Copies of a request head in memory: the raw one, the one that Node parses, and the forwarded one. */
const headCopies = 3;

export class PassThroughHandler {
  readonly #parts: PassThroughParts;
  readonly #connectionAuth: ConnectionAuth;
  readonly #replies: CallReplies;

  constructor(parts: PassThroughParts, connectionAuth: ConnectionAuth, replies: CallReplies) {
    this.#parts = parts;
    this.#connectionAuth = connectionAuth;
    this.#replies = replies;
  }

  pass(exchange: ClientExchange, target: string, facts: PassThroughFacts): void {
    const pass = (): void => this.#pass(exchange, target, facts);
    // Pipelined writes reach the pool in their order.
    if (exchange.isWrite) exchange.afterEarlierWrites(() => this.#replies.guarded(exchange, pass));
    else pass();
  }

  #pass(
    exchange: ClientExchange,
    target: string,
    { pool, authority, forwarded, reason, trusted, owner, poll }: PassThroughFacts,
  ): void {
    const { observer, links, heldEvents } = this.#parts;
    const { engine, passThrough } = pool;
    const { request, response } = exchange;
    const { headers, forwardable, user, costBytes, facts, offer } = exchange.head;
    const release = this.#parts.limiter.acquire(user, poll, headCopies * costBytes);
    if (typeof release === 'string') {
      this.#replies.refuse(exchange, release);
      return;
    }
    if (exchange.isBound && !passThrough.reserve(request.socket)) {
      release();
      this.#replies.refuse(exchange, 'bound_connections');
      return;
    }
    // A pass-through write must not overtake held calls of the same user.
    if (reason !== 'outside' && exchange.isWrite) engine.barrier(user);
    observer.passedThrough(reason);
    const uncount =
      poll && !this.#parts.longPollCounts
        ? () => undefined
        : countOutstanding(request, exchange.head, reason, poll, engine);
    if (exchange.isWrite && reason !== 'outside') heldEvents?.beginPassing(exchange, target);
    exchange.follow();
    const document = links.documentFor(exchange, target);
    const { httpVersion } = request;
    const { coding } = this.#parts;
    const asked = coding === undefined ? headers : forwardable;
    const sent = passThroughHeaders(asked, authority, trusted, httpVersion, forwarded);
    const coded =
      offer === undefined || coding === undefined
        ? undefined
        : CodedPassing.create(coding, exchange, offer, target);
    const endSlowBody = passThrough.forward(
      {
        request,
        response,
        target,
        headers: document?.requestFields(sent) ?? sent,
        poll,
        isBound: exchange.isBound,
        owner,
        // Behind another proxy, calls without a credential can come from different users.
        user: user === '' && (trusted || facts.cameThroughProxy) ? undefined : user,
        gate: poll ? gateOf(exchange, target, heldEvents, pool.priming) : undefined,
      },
      {
        responded: (status, fields) => {
          observer.passThroughAnswered(status);
          exchange.operation?.answered(status, fields);
          const relayed = this.#connectionAuth.relayedFields(exchange, status, fields);
          const rewritten = links.relayedFields(exchange, status, relayed);
          const own = document?.bodilessFields(status, rewritten) ?? rewritten;
          const headers = coded?.bodiless(status, own, fields) ?? own;
          const isPlain = !exchange.head.explain && exchange.answerId === undefined;
          return isPlain ? headers : passedFields(exchange, status, headers, reason);
        },
        bodyRewrite: (status, fields) => {
          const rewrite = document?.body(status, fields);
          return rewrite && coded ? coded.afterRewrite(status, rewrite) : rewrite;
        },
        bodyCoder: (head, output) => coded?.coder(head, output),
        fail: (fault) => this.#replies.fail(exchange, fault),
        refuseBody: (phase) => this.#replies.refuseBody(exchange, phase),
        ended: (outcome) => {
          release();
          uncount();
          observer.passThroughEnded(this.#parts.now() - exchange.startedAtMs);
          if (outcome.kind === 'failed') {
            if (outcome.error !== undefined) observer.internalError(outcome.error);
            if (isOfPool(outcome)) pool.failed?.(outcome.fault.name);
          }
          const left = outcome.kind === 'client-left';
          if (left) observer.callerLeft('passthrough');
          const server = outcome.server ?? passThrough.onlyServer?.(request.socket);
          this.#replies.finished(exchange, 'passthrough', left, { passed: reason, poll, server });
        },
      },
    );
    if (exchange.body !== undefined) exchange.body.refuse = endSlowBody;
  }
}

/** Returns the gate for the answer to a poll; `undefined` if neither part reads the answer. */
function gateOf(
  exchange: ClientExchange,
  target: string,
  heldEvents: HeldEvents | undefined,
  priming: EventPriming | undefined,
): AnswerGate | undefined {
  const gate = heldEvents?.gate(exchange, target);
  return priming === undefined ? gate : priming.gate(exchange, target, gate);
}

/**
 * Whether the pool caused the failure. Failed connections are counted where they are opened. Once an answer has begun,
 * the proxy itself ends the exchanges of clients that read slowly.
 */
function isOfPool(outcome: Extract<PassThroughOutcome, { kind: 'failed' }>): boolean {
  const { fault, responded } = outcome;
  return fault.phase === 'unknown' && !(responded && fault.name === 'connection_terminated');
}
