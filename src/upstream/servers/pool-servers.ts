/**
 * The servers of a pool, with a clock. Batches, single requests and passed-through calls share one object, so
 * each kind of request learns from all others.
 */
import { RetryBudget } from '../../core/schedule/estimators/retry-budget.ts';
import {
  ServerSet,
  type ServerSetOptions,
  type ServingTier,
} from '../../core/servers/server-set.ts';
import type { EjectionReason, Server } from '../../core/servers/server.ts';

/** Learns about changes. For the log. */
export interface ServersObserver {
  ejected(origin: string, reason: EjectionReason): void;
  returned(origin: string, outMs: number): void;
  tierChanged(tier: ServingTier): void;
}

/**
 * Number of servers in each state: the values of the label `state` of `ucwa_proxy_servers`.
 *
 * - `active`: a server of the first tier that works
 * - `fallback`: a fallback server that works
 * - `trial`: a server that was ejected, and gets one safe request at a time
 * - `ejected`: a server that gets no requests
 */
export type ServerCounts = Readonly<Record<'active' | 'fallback' | 'trial' | 'ejected', number>>;

/** One server, as the admin port shows it. */
export interface ServerReport {
  readonly server: string;
  readonly tier: 'first' | 'fallback';
  readonly state: 'active' | 'trial' | 'ejected';
  /** Why the server is out. */
  readonly reason?: EjectionReason;
  /** Time since when the server is in service, or out of it. */
  readonly since: string;
  /** Open requests, without polls. */
  readonly requests: number;
  readonly polls: number;
}

const tickMs = 50;

/** Moves to other servers that can be saved up. */
const maxMoves = 1000;

export class PoolServers {
  readonly set: ServerSet;
  /** Bounds the moves of all requests that a server may have seen. */
  readonly moves = new RetryBudget(maxMoves, performance.now());
  /** Called when an ejected server needs no idle connections any more. */
  readonly onEjected: Array<(server: Server) => void> = [];
  /** Called when a server does not answer while others do. */
  readonly onSuspected: Array<(server: Server) => void> = [];
  readonly onStop: Array<() => void> = [];
  /** Called when the settings have one more server. */
  readonly onAdded: Array<(server: Server) => void> = [];
  /** Each says whether connections that belong to the server are open, also those that lead to another server. */
  readonly stillUses: Array<(server: Server) => boolean> = [];
  /** Called when the settings no longer have a server, and its last request has ended. */
  readonly onGone: Array<(server: Server) => void> = [];
  /** Servers that the settings no longer have, and that have requests. */
  readonly #leaving = new Set<Server>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: Omit<ServerSetOptions, 'random'>, observer: ServersObserver) {
    this.set = new ServerSet(
      { ...options, random: Math.random },
      {
        ejected: (server, reason) => {
          observer.ejected(server.origin, reason);
          queueMicrotask(() => {
            if (!this.set.mayKeep(server)) for (const tell of this.onEjected) tell(server);
          });
        },
        returned: ({ origin }, outMs) => observer.returned(origin, outMs),
        tierChanged: (tier) => observer.tierChanged(tier),
        // A microtask, because the set and the client that reported to it are still at work.
        lost: (requests, isDead) =>
          queueMicrotask(() => {
            for (const request of requests) request.lost(isDead);
          }),
        suspected: (server) => {
          for (const tell of this.onSuspected) tell(server);
        },
      },
      performance.now(),
    );
    this.#timer = setInterval(() => this.#tick(), tickMs).unref();
  }

  /** Puts other servers in force, see `ServerSet.replace`. */
  replace(servers: Pick<ServerSetOptions, 'servers' | 'fallback'>): void {
    const { added, removed } = this.set.replace(servers, performance.now());
    for (const server of added) for (const tell of this.onAdded) tell(server);
    for (const server of removed) {
      this.#leaving.add(server);
      for (const tell of this.onEjected) tell(server);
    }
  }

  #tick(): void {
    this.set.tick(performance.now());
    for (const server of this.#leaving) {
      if (server.loans.size > 0 || this.stillUses.some((uses) => uses(server))) continue;
      this.#leaving.delete(server);
      for (const tell of this.onGone) tell(server);
    }
  }

  /** Number of servers in each state. */
  get counts(): ServerCounts {
    const counts = { active: 0, fallback: 0, trial: 0, ejected: 0 };
    for (const { health, isFallback } of this.set.servers) {
      counts[health.kind === 'active' && isFallback ? 'fallback' : health.kind] += 1;
    }
    return counts;
  }

  report(): readonly ServerReport[] {
    const startMs = Date.now() - performance.now();
    return this.set.servers.map(({ origin, isFallback, health, calls, polls }) => ({
      server: origin,
      tier: isFallback ? 'fallback' : 'first',
      state: health.kind,
      ...(health.kind !== 'active' && { reason: health.reason }),
      since: new Date(startMs + health.sinceMs).toISOString(),
      requests: calls,
      polls,
    }));
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const stop of this.onStop) stop();
  }
}
