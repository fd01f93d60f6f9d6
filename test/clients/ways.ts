/** The ways in which a client reaches the pool. Each play runs in all of them. */
import { startPool } from '../support/pool.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import type { Simulator, SimulatorOptions } from '../../src/simulator/simulator.ts';
import type { Resolve } from './http-client.ts';

interface Reached {
  readonly pool: Simulator;
  /** URL where discovery begins, without a slash at its end. */
  readonly discovery: string;
  readonly resolve: Resolve;
  /** Undefined if the client talks to the pool. */
  readonly proxy: TestProxy | undefined;
}

interface Way {
  readonly name: string;
  readonly start: (options?: SimulatorOptions) => Promise<Reached>;
}

/** Sites of the pool. The tests resolve these names to ports. */
const sites = {
  discoveryUrl: 'http://lyncdiscover.pool.example',
  publicUrl: 'http://lyncweb.pool.example',
  homeUrl: 'http://home.pool.example',
};

export const poolHosts: ReadonlySet<string> = new Set(
  Object.values(sites).map((url) => new URL(url).host),
);

/** The fixed window lets calls that overlap share a batch on any machine. */
const proxyEnv = {
  UCWA_PROXY_BATCHING_MODE: 'fixed',
  UCWA_PROXY_BATCHING_LINGER_MAX_MS: '40',
  UCWA_PROXY_UPSTREAM_CONNECTION_AUTH: 'bind',
};

function startUcwaPool(options: SimulatorOptions = {}): Promise<Simulator> {
  return startPool({ applications: 'created', eventSecondMs: 1, ...options });
}

/** Returns the port in `127.0.0.1:PORT`. */
function localPort(host: string): number | undefined {
  const port = /^127\.0\.0\.1:(\d+)$/.exec(host)?.[1];
  return port === undefined ? undefined : Number(port);
}

export const ways: readonly Way[] = [
  {
    name: 'directly, over the hosts of the pool',
    async start(options) {
      const pool = await startUcwaPool(options);
      pool.setSites(sites);
      const resolve = (host: string) => (poolHosts.has(host) ? pool.port : undefined);
      return { pool, discovery: sites.discoveryUrl, resolve, proxy: undefined };
    },
  },
  {
    name: 'through a sidecar, which rewrites the links of the pool',
    async start(options) {
      const pool = await startUcwaPool(options);
      const proxy = await startProxy(pool.url, proxyEnv);
      return { pool, discovery: proxy.url, resolve: localPort, proxy };
    },
  },
  {
    name: 'through the proxy under the names of the pool',
    async start(options) {
      const pool = await startUcwaPool(options);
      const proxy = await startProxy(pool.url, proxyEnv);
      pool.setSites(sites);
      const resolve = (host: string) => (poolHosts.has(host) ? proxy.port : undefined);
      return { pool, discovery: sites.discoveryUrl, resolve, proxy };
    },
  },
];
