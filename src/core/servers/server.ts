/**
 * One server of a pool: its requests, the evidence about it, and its health.
 *
 *     active --evidence--> ejected --time over, check passed--> trial --healthy answer--> active
 *     trial --evidence--> ejected, for a longer time
 *     ejected --healthy answer to a request that was sent later--> active    (all servers are out)
 *
 * A server that the checks ejected stays ejected while its checks fail. A server in trial gets one safe request at a time.
 */
import { FailureRun } from './failure-run.ts';

/**
 * Why a server was ejected:
 *
 * - `connect`: no connection to it could be opened.
 * - `reset`: its connections ended, or timed out, before an answer.
 * - `unavailable`: it answered 502, 503 or 504, and the answer was no answer of UCWA.
 * - `silent`: it did not answer while other servers did.
 * - `check`: it failed the active checks.
 */
export type EjectionReason = 'connect' | 'reset' | 'unavailable' | 'silent' | 'check';

export type Health =
  | { readonly kind: 'active'; readonly sinceMs: number }
  | {
      readonly kind: 'ejected';
      readonly reason: EjectionReason;
      readonly sinceMs: number;
      readonly untilMs: number;
    }
  | { readonly kind: 'trial'; readonly reason: EjectionReason; readonly sinceMs: number };

/** A request that needs a server. */
export interface ServerRequest {
  /** The name of the user, if known. */
  readonly user: string | undefined;
  /** Whether the request changes nothing. */
  readonly isSafe: boolean;
  /** Whether another request for the same call was sent before. */
  readonly isRetry: boolean;
  /** Whether the request is a long poll, which is answered late by design. */
  readonly isPoll: boolean;
  /**
   * The server was ejected before it answered. The request moves to another server if it can.
   *
   * @param isDead whether the server answers no request, so that even requests that it has will get no answer
   */
  lost(isDead: boolean): void;
}

/** A request on its server, from the choice of the server to the end of the answer. */
export interface Loan {
  readonly server: Server;
  readonly request: ServerRequest;
  readonly beganAtMs: number;
  /**
   * `trial`: the request tests a server that was ejected. `probe`: it tests a server that does not answer. `kept`: it
   * uses a connection from before the ejection, and proves nothing about new connections.
   */
  readonly role: 'ordinary' | 'trial' | 'probe' | 'kept';
  /** Whether an answer came, or a failure. Not set if the proxy gave the request up before. */
  hasOutcome: boolean;
  isEnded: boolean;
}

/** Length of the first ejection, in ms. Each further one takes twice as long, up to `maxEjectedMs`. */
const firstEjectedMs = 1000;
const maxEjectedMs = 3000;
/** Time in service after which a server's ejections are forgotten, in ms. */
const forgetEjectionsMs = 30_000;
/** Number of recent answers for which the server remembers when the request began. */
const remembered = 5;
/** Number of users with failed requests that the server remembers, for their retries. */
const rememberedUsers = 32;
const maxGivenUp = 100;

export class Server {
  readonly origin: string;
  readonly isFallback: boolean;
  /** Whether the settings no longer have the server. It gets no new requests then. */
  isRemoved = false;
  health: Health;
  /**
   * Requests without an outcome, oldest first; without polls. Requests that the proxy gave up stay until the
   * server answers: the proxy gives up requests to a silent server, because it asks again elsewhere.
   */
  readonly unanswered = new Set<Loan>();
  #givenUp = 0;
  readonly loans = new Set<Loan>();
  calls = 0;
  polls = 0;
  /** Open requests that test the server. */
  trials = 0;
  probes = 0;
  lastProbeAtMs = -Infinity;
  /** Start of the silence, if the server is silent: its last answer, or the end of a stall of the proxy. */
  heardAtMs = -Infinity;
  /** Whether the server does not answer while other servers do. */
  isSuspect = false;
  connectFailures = 0;
  checkFailures = 0;
  /** Checks in a row that passed since the last ejection. */
  checkPasses = 0;
  readonly resets = new FailureRun();
  readonly unavailable = new FailureRun();
  /** When the last requests that were answered began, in ms. */
  readonly #answeredBegan: number[] = [];
  /** Users of the last failed requests. */
  readonly #failedUsers: Array<string | undefined> = [];
  #ejections = 0;

  constructor(origin: string, isFallback: boolean, nowMs: number) {
    this.origin = origin;
    this.isFallback = isFallback;
    this.health = { kind: 'active', sinceMs: nowMs };
  }

  get isActive(): boolean {
    return this.health.kind === 'active';
  }

  /** Whether active checks ejected the server, and the last check failed. */
  get failsChecks(): boolean {
    const { health } = this;
    return health.kind === 'ejected' && health.reason === 'check' && this.checkPasses === 0;
  }

  /** Number of recent answers to requests that began after `ms`, at most `remembered`. */
  answeredSince(ms: number): number {
    return this.#answeredBegan.filter((beganAtMs) => beganAtMs > ms).length;
  }

  /** Whether a retry of this user should avoid the server: a request of the user failed, or has no answer. */
  isAvoidedBy(user: string | undefined): boolean {
    if (this.#failedUsers.includes(user)) return true;
    for (const { request } of this.unanswered) if (request.user === user) return true;
    return false;
  }

  begin(request: ServerRequest, role: Loan['role'], nowMs: number): Loan {
    const loan: Loan = {
      server: this,
      request,
      beganAtMs: nowMs,
      role,
      hasOutcome: false,
      isEnded: false,
    };
    this.loans.add(loan);
    if (request.isPoll) this.polls += 1;
    else {
      this.calls += 1;
      this.unanswered.add(loan);
    }
    if (role === 'trial') this.trials += 1;
    if (role === 'probe') {
      this.probes += 1;
      this.lastProbeAtMs = nowMs;
    }
    return loan;
  }

  /** Ends a request. Further calls do nothing. */
  end(loan: Loan): void {
    if (loan.isEnded) return;
    loan.isEnded = true;
    this.loans.delete(loan);
    if (loan.request.isPoll) this.polls -= 1;
    else this.calls -= 1;
    if (loan.hasOutcome || this.#givenUp >= maxGivenUp) this.unanswered.delete(loan);
    else if (!loan.request.isPoll) this.#givenUp += 1;
    if (loan.role === 'trial') this.trials -= 1;
    if (loan.role === 'probe') this.probes -= 1;
  }

  /** The head of an answer arrived, whatever its status. */
  answer(loan: Loan, nowMs: number): void {
    loan.hasOutcome = true;
    this.unanswered.delete(loan);
    this.#spoke(nowMs);
    if (loan.request.isPoll) return;
    this.#answeredBegan.push(loan.beganAtMs);
    if (this.#answeredBegan.length > remembered) this.#answeredBegan.shift();
  }

  /** @param failure `undefined` if the failure is no evidence */
  fail(loan: Loan, failure: 'connect' | 'reset' | undefined, nowMs: number): void {
    const { user } = loan.request;
    loan.hasOutcome = true;
    this.unanswered.delete(loan);
    this.#failedUsers.push(user);
    if (this.#failedUsers.length > rememberedUsers) this.#failedUsers.shift();
    if (failure === 'connect') this.connectFailures += 1;
    else if (failure === 'reset') this.resets.add(user, nowMs);
  }

  /** An answer showed that the server works. */
  succeed(): void {
    this.resets.clear();
    this.unavailable.clear();
  }

  check(isPassed: boolean, isAnswer: boolean, nowMs: number): void {
    this.checkFailures = isPassed ? 0 : this.checkFailures + 1;
    this.checkPasses = isPassed ? this.checkPasses + 1 : 0;
    if (isPassed && isAnswer) this.#spoke(nowMs);
  }

  /** @param random from 0 to 1, so that proxies do not all try the server at the same time */
  eject(reason: EjectionReason, nowMs: number, random: number): void {
    const { health } = this;
    if (health.kind === 'active' && nowMs - health.sinceMs >= forgetEjectionsMs)
      this.#ejections = 0;
    const forMs = Math.min(firstEjectedMs * 2 ** this.#ejections, maxEjectedMs);
    this.#ejections += 1;
    const untilMs = nowMs + forMs * (0.9 + 0.2 * random);
    const sinceMs = health.kind === 'active' ? nowMs : health.sinceMs;
    this.health = { kind: 'ejected', reason, sinceMs, untilMs };
    this.checkPasses = 0;
    this.#forget();
  }

  /** Begins the trial, when the time of the ejection is over. */
  try(reason: EjectionReason): void {
    this.health = { kind: 'trial', reason, sinceMs: this.health.sinceMs };
    this.#forget();
  }

  restore(nowMs: number): void {
    this.health = { kind: 'active', sinceMs: nowMs };
    this.#forget();
  }

  #spoke(nowMs: number): void {
    this.heardAtMs = nowMs;
    this.connectFailures = 0;
    this.isSuspect = false;
    this.#forgetGivenUp();
  }

  #forgetGivenUp(): void {
    if (this.#givenUp === 0) return;
    this.#givenUp = 0;
    for (const loan of this.unanswered) if (loan.isEnded) this.unanswered.delete(loan);
  }

  #forget(): void {
    this.isSuspect = false;
    this.connectFailures = 0;
    this.checkFailures = 0;
    this.#forgetGivenUp();
    this.succeed();
  }
}
