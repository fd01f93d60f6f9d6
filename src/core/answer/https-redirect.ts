/**
 * The answer of the plain listener: it redirects each request to https. The client gets only the name that it sent
 * itself, in a form that all clients read in the same way. So the answer cannot lead to a site of another party.
 */
import type { Reply } from '../messages/reply.ts';

/** A name or an address, and an optional port. `readHead` checks the characters. */
const hostAndPort = /^(\[[^\]]+\]|[^:]+)(:\d+)?$/;

const httpsPort = 443;

/** Returns the host name or address in a `Host` field, in lower case; `undefined` if a URL cannot contain it. */
export function hostNameOf(host: string): string | undefined {
  const name = hostAndPort.exec(host)?.[1]?.toLowerCase();
  if (name === undefined || !URL.canParse(`https://${name}/`)) return undefined;
  // A URL would contain another address in place of 0x7f.1.
  return new URL(`https://${name}/`).hostname === name ? name : undefined;
}

/**
 * Returns the host and port of the TLS listener, for a client of the plain listener. A `Host` without a port stays
 * without one, because the client used the standard ports, perhaps those of a balancer. Another port becomes that of
 * the TLS listener.
 *
 * @param host a legal `Host`
 * @param tlsPort port of the listener for https; `undefined` if another program terminates TLS
 */
export function httpsAuthority(host: string, tlsPort: number | undefined): string {
  const [, name = '', port] = hostAndPort.exec(host) ?? [];
  const isStandard = port === undefined || tlsPort === undefined || tlsPort === httpsPort;
  return isStandard ? name : `${name}:${tlsPort}`;
}

/**
 * Returns the redirect to the same target over https, see `httpsAuthority`.
 *
 * @param host a legal `Host`, see `hostNameOf`
 * @param target in origin-form
 * @param tlsPort port of the listener for https; `undefined` if another program terminates TLS
 */
export function httpsRedirect(
  method: string,
  host: string,
  target: string,
  tlsPort: number | undefined,
): Reply {
  // Clients may change the method of a POST after a 301, but never after a 308.
  const status = method === 'GET' || method === 'HEAD' ? 301 : 308;
  const location = `https://${httpsAuthority(host, tlsPort)}${target}`;
  const headers = ['Location', location, 'Cache-Control', 'no-store', 'Content-Length', '0'];
  return { status, reason: '', headers, body: Buffer.alloc(0) };
}
