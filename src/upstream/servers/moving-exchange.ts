/**
 * One request to a pool of several servers. The request moves to another server:
 *
 * - if no byte of it was sent, whatever its method
 * - if it is safe and got no usable answer: its connection ended, its server was ejected, or the server answered
 *   that it cannot serve requests. A budget bounds these moves.
 *
 * A request is never sent to the same server twice. A GET reaches servers at most twice, retries of the core
 * included. A POST, PUT or DELETE is never sent to two servers.
 */
import type { Fault } from '../../core/messages/fault.ts';
import type { RetryBudget } from '../../core/schedule/estimators/retry-budget.ts';
import type { Loan, Server, ServerRequest } from '../../core/servers/server.ts';
import type { ServerSet } from '../../core/servers/server-set.ts';
import { isUnavailable } from '../../core/servers/unavailable.ts';
import type { OwnerSlots } from '../../core/structures/owner-slots.ts';
import type { Exchange, ExchangeHandler, ExchangeRequest } from '../exchange.ts';

export interface MovingExchangeParts {
  readonly set: ServerSet;
  /** Slots for the requests of the whole pool. A request chooses its server when it gets a slot. */
  readonly slots: OwnerSlots;
  readonly budget: RetryBudget;
  /** Whether the upstream has been stopped. Failures then say nothing about the servers. */
  isStopped: boolean;
  /** Closes the connections to this server that carry no request. */
  closeIdle(server: Server): void;
  /** Sends the request to this server. */
  send(server: Server, request: ExchangeRequest, handler: ExchangeHandler): Exchange;
}

const canceled: Fault = { phase: 'unsent', name: 'connection_terminated' };
const pool = 'pool';

/** One server that the request was sent to. */
interface Attempt {
  readonly loan: Loan;
  exchange: Exchange | undefined;
}

export class MovingExchange implements Exchange, ServerRequest {
  readonly isPoll = false;
  readonly #parts: MovingExchangeParts;
  readonly #request: ExchangeRequest;
  readonly #handler: ExchangeHandler;
  readonly #tried = new Set<Server>();
  readonly #releaseSlot: (() => void) | undefined;
  #attempt: Attempt | undefined;
  #server: string | undefined;
  #wasStarted = false;
  #isAnswered = false;
  #isAborted = false;
  #isOver = false;

  constructor(parts: MovingExchangeParts, request: ExchangeRequest, handler: ExchangeHandler) {
    this.#parts = parts;
    this.#request = request;
    this.#handler = handler;
    parts.budget.deposit();
    this.#releaseSlot = parts.slots.acquire(pool, () => this.#begin(canceled));
    // The request may have failed before the slot could be released.
    if (this.#isOver) this.#releaseSlot();
  }

  get user(): string {
    return this.#request.user.name;
  }

  get isSafe(): boolean {
    return this.#request.isSafe;
  }

  get isRetry(): boolean {
    return this.#request.isRetry;
  }

  get started(): boolean {
    return this.#wasStarted || this.#attempt?.exchange?.started === true;
  }

  get isAborted(): boolean {
    return this.#isAborted;
  }

  get server(): string | undefined {
    return this.#server;
  }

  pause(): boolean {
    return this.#attempt?.exchange?.pause() === true;
  }

  resume(): void {
    this.#attempt?.exchange?.resume();
  }

  abort(): void {
    if (this.#isAborted || this.#isOver) return;
    this.#isAborted = true;
    const { exchange } = this.#attempt ?? {};
    if (exchange === undefined) this.#fail(canceled);
    else exchange.abort();
  }

  lost(isDead: boolean): void {
    const attempt = this.#attempt;
    if (attempt === undefined || this.#isAborted || this.#isAnswered) return;
    const isSent = attempt.exchange?.started === true;
    if (isSent ? isDead && this.#mayRepeat() : this.#hasOther(attempt)) this.#move(attempt);
  }

  /** @param reason the fault that the caller gets if no server is left */
  #begin(reason: Fault): void {
    const loan = this.#parts.set.take(this, performance.now(), this.#tried);
    if (loan === undefined) {
      this.#fail(reason);
      return;
    }
    const attempt: Attempt = { loan, exchange: undefined };
    this.#attempt = attempt;
    this.#server = loan.server.origin;
    const isCurrent = (): boolean => this.#attempt === attempt;
    const exchange = this.#parts.send(loan.server, this.#request, {
      head: (...head) => {
        if (isCurrent()) this.#head(attempt, ...head);
      },
      data: (chunk) => {
        if (isCurrent()) this.#handler.data(chunk);
      },
      end: () => {
        if (!isCurrent()) return;
        this.#end(attempt);
        this.#handler.end();
      },
      fault: (fault) => {
        if (isCurrent()) this.#fault(attempt, fault);
      },
    });
    attempt.exchange = exchange;
    if (this.#isAborted) exchange.abort();
  }

  #head(attempt: Attempt, status: number, reason: string, headers: string[]): void {
    const isAvailable = !isUnavailable(status, headers);
    this.#parts.set.answered(attempt.loan, isAvailable, performance.now());
    if (!isAvailable && this.#mayRepeat()) {
      this.#move(attempt);
      return;
    }
    this.#isAnswered = true;
    this.#handler.head(status, reason, headers);
  }

  #fault(attempt: Attempt, fault: Fault): void {
    const { phase, name } = fault;
    const isOurs = this.#isAborted || this.#parts.isStopped || name === 'proxy_internal_error';
    if (!isOurs) {
      const failure = phase === 'unsent' ? 'connect' : 'reset';
      this.#parts.set.failed(attempt.loan, failure, performance.now());
    }
    const mayMove = phase === 'unsent' || (!this.#isAnswered && this.#mayRepeat());
    if (isOurs || !mayMove) {
      this.#fail(fault);
    } else {
      this.#leave(attempt);
      this.#begin(fault);
    }
  }

  /** Whether a request that may have run can be sent to another server. Takes it from the budget. */
  #mayRepeat(): boolean {
    const attempt = this.#attempt;
    if (!this.isSafe || attempt === undefined || !this.#hasOther(attempt)) return false;
    const { budget } = this.#parts;
    if (!budget.has(performance.now()) || !this.#request.takeRepetition()) return false;
    budget.spend();
    return true;
  }

  #hasOther({ loan }: Attempt): boolean {
    return this.#parts.set.servers.some(
      (server) => server !== loan.server && !this.#tried.has(server),
    );
  }

  #move(attempt: Attempt): void {
    this.#leave(attempt);
    attempt.exchange?.abort();
    this.#begin(canceled);
  }

  #leave(attempt: Attempt): void {
    if (attempt.exchange?.started === true) this.#wasStarted = true;
    this.#tried.add(attempt.loan.server);
    this.#parts.set.ended(attempt.loan);
    this.#attempt = undefined;
  }

  #end({ loan }: Attempt): void {
    this.#isOver = true;
    const { set } = this.#parts;
    set.ended(loan);
    if (!set.mayKeep(loan.server)) this.#parts.closeIdle(loan.server);
    this.#releaseSlot?.();
  }

  /** An earlier server may have run the request, also if the last one did not get it. */
  #fail(fault: Fault): void {
    const { phase, name } = fault;
    const mayHaveRun = this.started && phase === 'unsent';
    if (this.#attempt !== undefined) this.#end(this.#attempt);
    this.#attempt = undefined;
    this.#isOver = true;
    this.#releaseSlot?.();
    this.#handler.fault(mayHaveRun ? { phase: 'unknown', name } : fault);
  }
}
