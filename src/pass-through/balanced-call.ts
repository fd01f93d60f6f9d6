/**
 * One passed-through call to a pool of several servers. A call that changes nothing and has no body moves to
 * another server if it got no answer, or an answer which shows that the server cannot serve requests. A budget
 * bounds these moves. A call of a bound client follows the connection of its client, and never moves.
 */
import type { ClientRequest } from 'node:http';
import type { Fault, FaultPhase } from '../core/messages/fault.ts';
import type { RawHeaders } from '../core/messages/http-message.ts';
import type { RetryBudget } from '../core/schedule/estimators/retry-budget.ts';
import type { Loan, Server, ServerRequest } from '../core/servers/server.ts';
import type { ServerSet } from '../core/servers/server-set.ts';
import { isUnavailable } from '../core/servers/unavailable.ts';
import type { ReplyHead } from '../core/messages/reply.ts';
import type {
  BodyCoder,
  BodyRewrite,
  CoderOutput,
  PassThroughCall,
  PassThroughObserver,
  PassThroughOutcome,
} from './pass-through-call.ts';
import type { PassThroughExchange } from './pass-through-exchange.ts';
import { hasBody } from './outgoing-request.ts';
import type { PoolConnections } from './pool-connections.ts';
import type { PoolSocket } from './pool-socket.ts';

/** The choice of a server, as one exchange uses it. */
export interface ServerChoice {
  /** Chooses the server. To be called when the request is about to be sent. */
  choose(): Server | undefined;
  /** Receives the request to the pool. */
  created(request: ClientRequest, connections: PoolConnections): void;
  /** Whether the call was sent to another server before. Its own stream may then have ended. */
  readonly hasMoved: boolean;
}

export interface BalancedCallParts {
  readonly set: ServerSet;
  readonly budget: RetryBudget;
  /** Whether the pass-through ends its calls. Failures then say nothing about the servers. */
  isStopped: boolean;
  start(
    call: PassThroughCall,
    observer: PassThroughObserver,
    choice: ServerChoice,
  ): PassThroughExchange;
}

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export class BalancedCall implements ServerRequest, PassThroughObserver, ServerChoice {
  readonly isSafe: boolean;
  readonly isRetry = false;
  readonly #parts: BalancedCallParts;
  readonly #call: PassThroughCall;
  readonly #observer: PassThroughObserver;
  readonly #tried = new Set<Server>();
  #loan: Loan | undefined;
  /** Returns the connection of the request, if it has one. */
  #connection: () => PoolSocket | undefined = () => undefined;
  #exchange: PassThroughExchange | undefined;
  #isMoving = false;

  constructor(parts: BalancedCallParts, call: PassThroughCall, observer: PassThroughObserver) {
    this.#parts = parts;
    this.#call = call;
    this.#observer = observer;
    this.isSafe = safeMethods.has(call.request.method ?? '') && !hasBody(call.request);
    parts.budget.deposit();
    this.#exchange = parts.start(call, this, this);
  }

  get user(): string | undefined {
    return this.#call.user;
  }

  get hasMoved(): boolean {
    return this.#tried.size > 0;
  }

  get isPoll(): boolean {
    return this.#call.poll;
  }

  choose(): Server | undefined {
    this.#loan = this.#parts.set.take(this, performance.now(), this.#tried);
    return this.#loan?.server;
  }

  created(request: ClientRequest, connections: PoolConnections): void {
    this.#connection = () => connections.connectionOf(request);
    if (this.#call.isBound) request.once('socket', () => this.#borrow());
  }

  lost(isDead: boolean): void {
    const loan = this.#loan;
    // The call may have its connection to another server: then it is not lost.
    if (this.#currentLoan() !== loan) return;
    if (!isDead || !this.isSafe || this.#exchange?.isWaiting !== true) return;
    // A call that cannot move goes on while its connection is being opened: the next server is tried by itself.
    if (this.#takeMove() || this.#connectedTo !== undefined) {
      this.#exchange.abort('http_response_timeout');
    }
  }

  responded(status: number, headers: RawHeaders): RawHeaders {
    const loan = this.#currentLoan();
    const isAvailable = !isUnavailable(status, headers);
    if (loan !== undefined) this.#parts.set.answered(loan, isAvailable, performance.now());
    if (!isAvailable && this.#takeMove()) throw new Error('the call moves to another server');
    return this.#observer.responded(status, headers);
  }

  bodyRewrite(status: number, headers: RawHeaders): BodyRewrite | undefined {
    return this.#observer.bodyRewrite?.(status, headers);
  }

  bodyCoder(head: ReplyHead, output: CoderOutput): BodyCoder | undefined {
    return this.#observer.bodyCoder?.(head, output);
  }

  refuseBody(phase: FaultPhase): void {
    this.#observer.refuseBody(phase);
  }

  /** See `PassThrough.forward`. */
  endSlowBody(): void {
    this.#exchange?.endSlowBody();
  }

  fail(fault: Fault): void {
    if (this.#isMoving) return;
    const loan = this.#currentLoan();
    const isOurs = fault.name === 'proxy_internal_error' || this.#parts.isStopped;
    if (fault.phase === 'unknown' && loan !== undefined && !isOurs) {
      this.#parts.set.failed(loan, 'reset', performance.now());
      if (this.#takeMove()) return;
    }
    this.#observer.fail(fault);
  }

  ended(outcome: PassThroughOutcome): void {
    const loan = this.#loan;
    this.#loan = undefined;
    this.#connection = () => undefined;
    if (loan !== undefined) this.#parts.set.ended(loan);
    if (!this.#isMoving) {
      const server = loan?.server.origin;
      this.#observer.ended(server === undefined ? outcome : { ...outcome, server });
      return;
    }
    this.#isMoving = false;
    this.#exchange = this.#parts.start(this.#call, this, this);
  }

  /** The server that the request has a connection to. */
  get #connectedTo(): Server | undefined {
    return this.#connection()?.server;
  }

  /** Begins the request of a bound client on the server of its connection. */
  #borrow(): void {
    const { server, openedAtMs } = this.#connection() ?? {};
    if (server === undefined || openedAtMs === undefined) return;
    this.#loan = this.#parts.set.takeOn(server, this, performance.now(), openedAtMs);
  }

  /** Returns the loan, on the server that the request has its connection to. */
  #currentLoan(): Loan | undefined {
    const server = this.#connectedTo;
    if (this.#loan !== undefined && server !== undefined && server !== this.#loan.server) {
      this.#loan = this.#parts.set.moved(this.#loan, server, performance.now());
    }
    return this.#loan;
  }

  /** Whether the call moves to another server. Takes the move from the budget. */
  #takeMove(): boolean {
    const { set, budget } = this.#parts;
    const { request, response, isBound } = this.#call;
    if (!this.isSafe || isBound || response.headersSent || request.socket.destroyed) return false;
    if (this.#loan !== undefined) this.#tried.add(this.#loan.server);
    if (set.servers.every((server) => this.#tried.has(server))) return false;
    if (!budget.has(performance.now())) return false;
    budget.spend();
    this.#isMoving = true;
    return true;
  }
}
