import type { Settings } from './schema.ts';

/** The settings of one pool. */
export interface PoolSettings {
  /** Empty for the pool of `upstream.url`. */
  readonly name: string;
  /** See `NamedPool`. */
  readonly hosts: readonly string[];
  /** The origins of its servers, at least one. */
  readonly servers: readonly string[];
  /** Origins of the servers that take over when no server works. */
  readonly fallback: readonly string[];
  /** The checks of the servers. */
  readonly health: Settings['pools'][number]['health'];
  /** Origins of its servers for plain HTTP, which `listen.plain` uses. */
  readonly plainServers: readonly string[];
  readonly tls: Settings['upstream']['tls'];
  readonly connectionAuth: Settings['upstream']['connectionAuth'];
  /** Whether its calls are batched. */
  readonly batching: boolean;
  /** The section of the settings with its TLS files. */
  readonly tlsSection: string;
}

/** Returns the pools of the settings. `upstream.url` is the short form for one pool with any name. */
export function poolsOf({ upstream, pools }: Settings): readonly PoolSettings[] {
  if (upstream.url !== undefined) {
    const { url, tls, connectionAuth } = upstream;
    const tlsSection = 'upstream.tls';
    return [
      {
        name: '',
        hosts: [],
        servers: [url],
        fallback: [],
        health: { intervalMs: 1000 },
        plainServers: [],
        tls,
        connectionAuth,
        batching: true,
        tlsSection,
      },
    ];
  }
  return pools.map(({ connectionAuth = upstream.connectionAuth, ...pool }, i) => ({
    ...pool,
    connectionAuth,
    tlsSection: `pools[${i}].tls`,
  }));
}

/** Returns the first server of a pool. Its name stands for the name of a pool without hosts. */
export function serverOf({ servers: [first] }: PoolSettings): URL {
  if (first === undefined) throw new Error('a pool without a server');
  return new URL(first);
}
