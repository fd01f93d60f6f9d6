/** The servers of a pool: their health, the checks of them, and the log of their changes. */
import type { EjectionReason } from '../core/servers/server.ts';
import type { ServingTier } from '../core/servers/server-set.ts';
import type { Log } from '../log/log.ts';
import { HealthChecks } from '../upstream/servers/health-checks.ts';
import { PoolServers } from '../upstream/servers/pool-servers.ts';
import type { PoolTls } from '../upstream/pool-connector.ts';

/** The servers of one pool. */
export interface ServersOptions {
  /** The name of the pool. */
  readonly name: string;
  /** Origins of the servers. */
  readonly servers: readonly string[];
  /** Origins of the servers that take over when no other server works. */
  readonly fallback: readonly string[];
  readonly health: {
    readonly tcpPort?: number | undefined;
    readonly path?: string | undefined;
    readonly intervalMs: number;
  };
}

interface ServersParts {
  readonly log: Log;
  /** Returns the name of the pool, as `Host` of the checks. */
  readonly authority: () => string;
  readonly tls: () => PoolTls;
}

const reasons: Readonly<Record<EjectionReason, string>> = {
  connect: 'no connection to it can be opened',
  reset: 'its connections end, or time out, before an answer',
  unavailable: 'it answers 502, 503 or 504',
  silent: 'it does not answer, and other servers do',
  check: 'it fails the health checks',
};

const tiers: Readonly<Record<ServingTier, string>> = {
  first: 'servers of the pool work again, and get all requests',
  fallback: 'no server of the pool works: the fallback servers get all requests',
  all: 'no server works: all servers of the pool get requests',
};

/** Returns `undefined` for a pool of one server, because there is no other one to send a request to. */
export function createServers(
  { name, servers, fallback, health }: ServersOptions,
  { log, authority, tls }: ServersParts,
): PoolServers | undefined {
  if (servers.length + fallback.length < 2) return undefined;
  const hasChecks = health.path !== undefined || health.tcpPort !== undefined;
  const created = new PoolServers(
    { servers, fallback, hasChecks },
    {
      ejected: (server, reason) =>
        log.warn('a server of the pool is out', {
          ...{ pool: name, server, reason, because: reasons[reason] },
        }),
      returned: (server, outMs) =>
        log.info('a server of the pool is back', {
          ...{ pool: name, server, outMs: Math.round(outMs) },
        }),
      tierChanged: (tier) => log.warn(tiers[tier], { pool: name }),
    },
  );
  if (hasChecks) {
    const checks = new HealthChecks(created, { ...health, authority, tls });
    created.onStop.push(() => checks.stop());
  }
  return created;
}
