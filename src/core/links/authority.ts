/** Authorities in links and in `Host` fields: a host and an optional port (RFC 3986 section 3.2). */

export type Scheme = 'http' | 'https';

/** A host name, an IPv4 address or an IPv6 address in brackets, with an optional port. No user information. */
const shape =
  /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9_](?:[a-z0-9_-]|\.(?=[a-z0-9_])){0,252})(?::([0-9]{1,5}))?$/i;

const defaultPorts: Readonly<Record<Scheme, number>> = { http: 80, https: 443 };
const maxPort = 65_535;

/**
 * Returns the authority in lower case, without the default port of the scheme, so that equal authorities are
 * equal strings. Returns `undefined` if the authority is illegal.
 */
export function comparableAuthority(scheme: Scheme, authority: string): string | undefined {
  const match = shape.exec(authority);
  if (match === null) return undefined;
  const host = (match[1] ?? '').toLowerCase();
  if (match[2] === undefined) return host;
  const port = Number(match[2]);
  if (port === 0 || port > maxPort) return undefined;
  return port === defaultPorts[scheme] ? host : `${host}:${port}`;
}

/** Splits a legal authority into its host, and its port with the colon. The port is empty if there is none. */
export function splitAuthority(authority: string): {
  readonly host: string;
  readonly port: string;
} {
  const match = shape.exec(authority);
  const port = match?.[2];
  return { host: match?.[1] ?? '', port: port === undefined ? '' : `:${port}` };
}
