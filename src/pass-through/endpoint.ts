import { isIP } from 'node:net';
import { urlToHttpOptions } from 'node:url';
import type { UpstreamTls } from './secure-agent.ts';

/** The address of a server, and the name that its certificate must have. */
export interface Endpoint {
  readonly host: string | null | undefined;
  readonly port: string | number;
  readonly servername: string;
}

/** @param tls the settings of TLS. Their `servername` goes before the host of the server. */
export function endpointOf(url: URL, tls?: UpstreamTls): Endpoint {
  const { hostname, port } = urlToHttpOptions(url);
  // Node must not take the server name from the `Host` of a request. An IP address is no server name.
  const own = typeof hostname === 'string' && isIP(hostname) === 0 ? hostname : '';
  const servername = tls?.servername ?? own;
  return { host: hostname, port: port ?? (url.protocol === 'https:' ? 443 : 80), servername };
}
