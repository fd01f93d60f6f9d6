/**
 * The servers of one pool. The set chooses the server of each request, and learns from what happens to the
 * requests and to the active checks which servers work. Nothing but health is learned about a server.
 *
 * The order of choice:
 *
 * - servers of the first tier that work: the one with the fewest requests, in turn among equals
 * - fallback servers that work
 * - all servers of the first tier, if no server works. The evidence may be wrong when it is against all, for
 *   example when the fault is in the proxy's own network. A refusal of all requests would help no client, and
 *   a server that works again answers at once.
 */
import { isStale, type Preference, rankOf, serversOf } from './choice.ts';
import { type CountedReason, isProven } from './evidence.ts';
import { isSilent, mayProbe, stallMs, suspect, trialIsSilent } from './silence.ts';
import type { EjectionReason, Loan, Server, ServerRequest } from './server.ts';

/** Which servers get requests: the first tier, the fallback servers, or all because no server works. */
export type ServingTier = 'first' | 'fallback' | 'all';

export interface ServerSetSink {
  /** A server gets no ordinary requests from now on. */
  ejected(server: Server, reason: EjectionReason): void;
  /** An ejected server gets requests again. `outMs` is the length of the absence. */
  returned(server: Server, outMs: number): void;
  tierChanged(tier: ServingTier): void;
  /** These requests have no answer yet, and their server was ejected. */
  lost(requests: readonly ServerRequest[], isDead: boolean): void;
  /** An active check of the server is due now. */
  suspected(server: Server): void;
}

export interface ServerSetOptions {
  readonly servers: readonly string[];
  readonly fallback: readonly string[];
  /** Whether active checks report to the set. An ejected server then waits for a check that passes. */
  readonly hasChecks: boolean;
  readonly random: () => number;
}

/** Time without requests of another user after which a user counts as the only one, in ms. */
const onlyUserMs = 10_000;

/** Time since the ejection, or the last test, after which the connection of one client tests a server, in ms. */
const untestedMs = 5000;

const none: ReadonlySet<Server> = new Set();
const anyRequest = { isRetry: false, isPoll: false, user: undefined };

export class ServerSet {
  /** Those of the settings, first the servers of the first tier. */
  servers: readonly Server[];
  readonly #options: ServerSetOptions;
  readonly #sink: ServerSetSink;
  /** Index of the server after the one that was chosen last. */
  #next = 0;
  #tier: ServingTier = 'first';
  #tickedAtMs: number;
  #user: string | undefined;
  #userChangedAtMs: number;

  constructor(options: ServerSetOptions, sink: ServerSetSink, nowMs: number) {
    this.#options = options;
    this.#sink = sink;
    this.#userChangedAtMs = nowMs;
    this.#tickedAtMs = nowMs;
    this.servers = serversOf([], options, nowMs);
  }

  get tier(): ServingTier {
    return this.#tier;
  }

  /** Whether idle connections to the server are of use. */
  mayKeep(server: Server): boolean {
    if (server.isRemoved) return false;
    return server.isActive || server.health.kind === 'trial' || this.#tier === 'all';
  }

  /**
   * Puts other servers in force, at least one. Servers that stay keep what is known about them. Requests that are under
   * way on a server that goes end there.
   *
   * @returns the servers that come, and those that go
   */
  replace(
    options: Pick<ServerSetOptions, 'servers' | 'fallback'>,
    nowMs: number,
  ): { readonly added: readonly Server[]; readonly removed: readonly Server[] } {
    const former = this.servers;
    this.servers = serversOf(former, options, nowMs);
    const removed = former.filter((server) => !this.servers.includes(server));
    for (const server of removed) server.isRemoved = true;
    this.#changeTier();
    return { added: this.servers.filter((server) => !former.includes(server)), removed };
  }

  /**
   * Chooses a server and begins the request on it.
   *
   * @param tried servers that must not be chosen
   * @returns `undefined` if all servers were tried
   */
  take(request: ServerRequest, nowMs: number, tried: ReadonlySet<Server> = none): Loan | undefined {
    this.#noteUser(request, nowMs);
    const isTest = request.isSafe && !request.isRetry && !request.isPoll && tried.size === 0;
    const tested = isTest ? this.#serverToTest(nowMs) : undefined;
    if (tested !== undefined) {
      return tested.begin(request, tested.isActive ? 'probe' : 'trial', nowMs);
    }
    return this.#best(request, tried)?.begin(request, 'ordinary', nowMs);
  }

  /** Begins a request on a connection that its client has to this server, and that was opened at `openedAtMs`. */
  takeOn(server: Server, request: ServerRequest, nowMs: number, openedAtMs: number): Loan {
    this.#noteUser(request, nowMs);
    const { health } = server;
    const isNew = health.kind === 'active' || openedAtMs > health.sinceMs;
    const isTrial = health.kind === 'trial' && isNew && request.isSafe && !request.isPoll;
    return server.begin(request, isTrial ? 'trial' : isNew ? 'ordinary' : 'kept', nowMs);
  }

  /** @param isAvailable `false` for an answer which shows that the server cannot serve requests */
  answered(loan: Loan, isAvailable: boolean, nowMs: number): void {
    const { server, request } = loan;
    if (loan.hasOutcome || loan.isEnded) return;
    server.answer(loan, nowMs);
    if (!isAvailable) {
      if (isStale(loan)) return;
      server.unavailable.add(request.user, nowMs);
      this.#judge(server, 'unavailable', nowMs);
      return;
    }
    server.succeed();
    const isNews = loan.beganAtMs > server.health.sinceMs && loan.role !== 'kept';
    if (server.isActive || server.isRemoved || server.failsChecks) return;
    if (isNews) this.#restore(server, nowMs);
  }

  /**
   * No answer came. `connect`: no connection could be opened. `reset`: the connection ended, or the time for the
   * answer was over.
   */
  failed(loan: Loan, failure: 'connect' | 'reset', nowMs: number): void {
    if (loan.hasOutcome || loan.isEnded) return;
    loan.server.fail(loan, isStale(loan) ? undefined : failure, nowMs);
    this.#judge(loan.server, failure, nowMs);
  }

  /** A connection could not be opened. For connections that are opened before a request needs them. */
  connectFailed(server: Server, nowMs: number): void {
    server.connectFailures += 1;
    this.#judge(server, 'connect', nowMs);
  }

  /**
   * Returns the server for a connection that all requests of a client will use. The connection tests a server in
   * trial that no other request has tested for long.
   */
  next(tried: ReadonlySet<Server>, nowMs: number): Server | undefined {
    const untested =
      tried.size === 0 ? this.servers.find((s) => this.#isUntested(s, nowMs)) : undefined;
    if (untested !== undefined) untested.lastProbeAtMs = nowMs;
    return untested ?? this.#best(anyRequest, tried);
  }

  /** The request travels to this server, because its own took no connection. */
  moved(loan: Loan, server: Server, nowMs: number): Loan {
    loan.hasOutcome = true;
    loan.server.end(loan);
    return server.begin(loan.request, 'ordinary', nowMs);
  }

  /**
   * The request is over. To be called after the other events. Without them, the proxy gave the request up
   * before an answer came.
   */
  ended(loan: Loan): void {
    loan.server.end(loan);
  }

  /** @param isAnswer whether the server itself answered, and not only its operating system */
  checked(server: Server, isPassed: boolean, isAnswer: boolean, nowMs: number): void {
    server.check(isPassed, isAnswer, nowMs);
    if (!isPassed) this.#judge(server, 'check', nowMs);
  }

  /** To be called about twenty times a second. */
  tick(nowMs: number): void {
    if (nowMs - this.#tickedAtMs > stallMs) {
      for (const server of this.servers) server.heardAtMs = nowMs;
    }
    this.#tickedAtMs = nowMs;
    for (const server of this.servers) {
      const { health } = server;
      if (health.kind === 'ejected') {
        const isChecked = !this.#options.hasChecks || server.checkPasses > 0;
        if (nowMs >= health.untilMs && isChecked) server.try(health.reason);
      } else if (health.kind === 'trial') {
        if (trialIsSilent(server, nowMs)) this.#eject(server, 'silent', nowMs);
      } else {
        const wasSuspect = server.isSuspect;
        server.isSuspect = suspect(server, this.servers, nowMs);
        if (server.isSuspect && !wasSuspect) this.#sink.suspected(server);
        if (server.isSuspect && isSilent(server, nowMs))
          this.#ejectInfluenced(server, 'silent', nowMs);
      }
    }
  }

  #isUntested({ health, trials, lastProbeAtMs, isFallback }: Server, nowMs: number): boolean {
    if (health.kind !== 'trial' || trials > 0 || (isFallback && this.#tier !== 'fallback'))
      return false;
    return nowMs - Math.max(health.sinceMs, lastProbeAtMs) >= untestedMs;
  }

  #noteUser({ user }: ServerRequest, nowMs: number): void {
    if (user === this.#user) return;
    this.#user = user;
    this.#userChangedAtMs = nowMs;
  }

  #serverToTest(nowMs: number): Server | undefined {
    return this.servers.find((server) => {
      if (server.isFallback && this.#tier !== 'fallback') return false;
      if (server.health.kind === 'trial') return server.trials === 0;
      return server.isActive && mayProbe(server, nowMs);
    });
  }

  #best(request: Preference, tried: ReadonlySet<Server>): Server | undefined {
    const { servers } = this;
    const { isPoll } = request;
    let best: Server | undefined;
    let bestRank = Infinity;
    let bestLoad = Infinity;
    for (let n = 0; n < servers.length; n += 1) {
      const server = servers[(this.#next + n) % servers.length] as Server;
      if (tried.has(server)) continue;
      const rank = rankOf(server, request);
      const load = isPoll ? server.polls : server.calls;
      if (rank > bestRank || (rank === bestRank && load >= bestLoad)) continue;
      best = server;
      bestRank = rank;
      bestLoad = load;
    }
    if (best !== undefined) this.#next = (servers.indexOf(best) + 1) % servers.length;
    return best;
  }

  /** Ejects the server if there is enough evidence of this kind. */
  #judge(server: Server, reason: CountedReason, nowMs: number): void {
    if (server.isRemoved) return;
    const isOnlyUser = nowMs - this.#userChangedAtMs >= onlyUserMs;
    if (!isProven(server, reason, isOnlyUser)) return;
    if (reason === 'connect' || reason === 'check') this.#eject(server, reason, nowMs);
    else this.#ejectInfluenced(server, reason, nowMs);
  }

  /** Ejects at most half of a tier, because clients can influence this evidence. */
  #ejectInfluenced(server: Server, reason: EjectionReason, nowMs: number): void {
    const tier = this.servers.filter(({ isFallback }) => isFallback === server.isFallback);
    const out = tier.filter((other) => other !== server && !other.isActive).length;
    if (out < Math.ceil(tier.length / 2)) this.#eject(server, reason, nowMs);
  }

  #eject(server: Server, reason: EjectionReason, nowMs: number): void {
    const wasActive = server.isActive;
    server.eject(reason, nowMs, this.#options.random());
    if (wasActive) this.#sink.ejected(server, reason);
    this.#changeTier();
    const unanswered = [...server.loans].filter(({ hasOutcome }) => !hasOutcome);
    const isDead = reason === 'silent' || reason === 'check';
    if (unanswered.length > 0)
      this.#sink.lost(
        unanswered.map(({ request }) => request),
        isDead,
      );
  }

  #restore(server: Server, nowMs: number): void {
    const outMs = nowMs - server.health.sinceMs;
    server.restore(nowMs);
    this.#sink.returned(server, outMs);
    this.#changeTier();
  }

  #changeTier(): void {
    const active = this.servers.filter(({ isActive }) => isActive);
    const isFirst = active.some(({ isFallback }) => !isFallback);
    const tier = isFirst ? 'first' : active.length > 0 ? 'fallback' : 'all';
    if (tier === this.#tier) return;
    this.#tier = tier;
    this.#sink.tierChanged(tier);
  }
}
