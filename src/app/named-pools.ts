/** The names of the pools, as the settings have them. */
import type { NamedPool } from '../core/admit/pool-names.ts';
import type { ServeSettings } from '../settings/load-settings.ts';
import { type PoolSettings, poolsOf, serverOf } from '../settings/pools.ts';

export function namedPools(settings: ServeSettings): readonly NamedPool[] {
  return poolsOf(settings).map((pool) => ({
    ...pool,
    authority: serverOf(pool).host,
    aliases: [...pool.servers, ...pool.fallback].map((server) => new URL(server).host),
  }));
}

/** Returns the `Host` of requests that the proxy itself sends to the pool. */
export function authorityOf(pool: PoolSettings): string {
  return pool.hosts.find((host) => !host.startsWith('*')) ?? serverOf(pool).host;
}
