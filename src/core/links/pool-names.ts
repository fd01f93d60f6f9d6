/**
 * The addresses of the pools at the proxy (docs/decisions/017-links-of-sidecar-clients.md). A client that comes by an
 * address of the proxy's own reaches one pool there. Each further pool has an address below `localhost` with the name
 * of the pool as its first label, such as `pool-b.localhost:8080`.
 */
import { splitAuthority } from './authority.ts';

/** The part of `core/admit/pool-names.ts` that links need. */
export interface PoolNames {
  /**
   * Returns the pool that clients know by this authority; `undefined` if there is none.
   *
   * @param authority in the form of `comparableAuthority`
   */
  poolOf(authority: string): string | undefined;
  /** Returns the destination of a request with this `Host`. */
  find(host: string): { readonly poolName: string } | undefined;
}

/**
 * Returns the authority at which a client reaches a pool through the proxy. Returns `undefined` if the proxy knows no
 * name for the pool that the client can resolve.
 *
 * @param client the authority that the client used, which is the name of no pool
 */
export function addressOf(names: PoolNames, pool: string, client: string): string | undefined {
  const { host, port } = splitAuthority(client);
  const base = loopbackBase(host);
  // Only names below `localhost` certainly resolve.
  const others = base === undefined ? [] : [base + port, `${pool}.${base}${port}`];
  return [client, ...others].find((authority) => names.find(authority)?.poolName === pool);
}

/** Returns a loopback name below which the pools have their addresses; `undefined` for any other host. */
function loopbackBase(host: string): string | undefined {
  if (host.endsWith('.localhost')) return host.slice(host.indexOf('.') + 1);
  return /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/.test(host) ? 'localhost' : undefined;
}
