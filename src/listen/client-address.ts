import { isIPv6 } from 'node:net';

const mapped = '::ffff:';
/** Groups of an IPv6 address that identify a client. A client usually has a network of 2^64 addresses. */
const networkGroups = 4;

/**
 * Returns the name for limits of a client address: an IPv4 address unchanged, or the /64 network of an IPv6
 * address.
 */
export function addressName(address: string): string {
  if (address.startsWith(mapped) && address.includes('.')) return address.slice(mapped.length);
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::', 2);
  const groups = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(':').length;
  const whole = [...groups, ...Array<string>(Math.max(missing, 0)).fill('0')];
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  return [...whole, ...rest]
    .slice(0, networkGroups)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':');
}

/**
 * Returns the client address from a trusted peer: the last entry of `X-Forwarded-For`, which that peer added.
 * Returns `undefined` if the entry is missing or empty.
 */
export function lastForwarded(forwardedFor: string | undefined): string | undefined {
  const last = forwardedFor?.slice(forwardedFor.lastIndexOf(',') + 1).trim();
  return last === undefined || last === '' ? undefined : last.slice(0, 45);
}

/** Returns the name of the client's address from a trusted peer, or of the peer itself if it names no client. */
export function forwardedAddress(forwardedFor: string, peerAddress: string): string {
  const forwarded = lastForwarded(forwardedFor);
  return forwarded === undefined ? peerAddress : addressName(forwarded);
}
