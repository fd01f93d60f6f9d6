/** A host and a port. */
export interface Address {
  /** Canonical host: lower case, IPv6 without brackets. */
  readonly host: string;
  /** 0 to 65535; a listener on port 0 gets any free port. */
  readonly port: number;
}

/** A host name, an IPv4 address, or an IPv6 address in brackets; then a port. */
const shape = /^([\w.-]+|\[[0-9a-f:.]+\]):(\d{1,5})$/i;

/**
 * Parses `127.0.0.1:8080`, `proxy.example:8080` or `[::1]:8080`. The host is required, so that an
 * operator has to choose explicitly to listen on all interfaces.
 *
 * @returns undefined if the text is not an address
 */
export function parseAddress(text: string): Address | undefined {
  const [, host = '', digits = ''] = shape.exec(text) ?? [];
  const port = Number(digits);
  if (host === '' || port > 65535 || !URL.canParse(`http://${host}`)) return undefined;
  return { host: hostOf(new URL(`http://${host}`)), port };
}

/** Formats an address as text that `parseAddress` accepts. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Returns the host and port of an http or https URL. */
export function addressOf(url: URL): Address {
  return { host: hostOf(url), port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)) };
}

/** Whether listeners on these two addresses would conflict. */
export function overlap(a: Address, b: Address): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  return (
    a.host === b.host ||
    isWildcard(a.host) ||
    isWildcard(b.host) ||
    (isLoopback(a.host) && isLoopback(b.host) && [a.host, b.host].includes('localhost'))
  );
}

/** Whether a connection to `target` certainly arrives at the proxy's own `listener`. */
export function reaches(target: Address, listener: Address): boolean {
  const isHere = (host: string) => isLoopback(host) || isWildcard(host);
  return (
    overlap(target, listener) &&
    (target.host === listener.host || (isHere(target.host) && isHere(listener.host)))
  );
}

/** Returns the host without brackets. An IPv4-mapped IPv6 address becomes its IPv4 address. */
function hostOf(url: URL): string {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host) ?? [];
  if (high === undefined || low === undefined) return host;
  const bytes = [parseInt(high, 16), parseInt(low, 16)].flatMap((pair) => [pair >> 8, pair & 255]);
  return bytes.join('.');
}
const isWildcard = (host: string) => host === '0.0.0.0' || host === '::';
const isLoopback = (host: string) =>
  host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host);
