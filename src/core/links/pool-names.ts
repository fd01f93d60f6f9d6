/**
 * The names of the pools, and the addresses of the pools at the proxy (docs/decisions/017-links-of-sidecar-clients.md).
 * A client that comes by an address of the proxy's own reaches one pool there. Each further pool has an address with
 * the name of the pool as its first label, such as `pool-b.localhost:8080`.
 */
import { splitAuthority } from './authority.ts';

export interface PoolNames {
  /** The names of the pools. The first pool takes the requests with a `Host` that names no pool. */
  readonly pools: readonly [string, ...string[]];
  /**
   * Returns the pool that clients know by this authority; `undefined` if there is none.
   *
   * @param authority in the form of `comparableAuthority`
   */
  poolOf(authority: string): string | undefined;
}

/** Returns the pool that serves a request with this authority. */
export function poolAt(names: PoolNames, authority: string): string {
  return names.poolOf(authority) ?? labelledPool(names, authority) ?? names.pools[0];
}

/**
 * Returns the authority at which a client reaches a pool through the proxy. Returns `undefined` if the proxy knows no
 * name for the pool that the client can resolve.
 *
 * @param client the authority that the client used, which is the name of no pool
 */
export function addressOf(names: PoolNames, pool: string, client: string): string | undefined {
  if (poolAt(names, client) === pool) return client;
  const { host, port } = splitAuthority(client);
  const label = labelledPool(names, client);
  // The client resolved one label of this name, so it can resolve the others.
  const base = label === undefined ? undefined : host.slice(label.length + 1);
  // Only a loopback name certainly resolves without its label.
  if (pool === names.pools[0] && base !== undefined && isLoopback(base)) return base + port;
  if (base !== undefined) return `${pool}.${base}${port}`;
  return isLoopback(host) ? `${pool}.localhost${port}` : undefined;
}

function labelledPool(names: PoolNames, authority: string): string | undefined {
  const { host } = splitAuthority(authority);
  return names.pools.find((pool) => host.startsWith(`${pool}.`));
}

function isLoopback(host: string): boolean {
  return /^(?:(?:.+\.)?localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/.test(host);
}
