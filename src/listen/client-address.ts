import { isIPv6, type Socket } from 'node:net';
import { describedByProxy, type ForwardedFields } from '../core/messages/forwarded-fields.ts';

const mapped = '::ffff:';
/** Groups of an IPv6 address that identify a client. A client usually has a network of 2^64 addresses. */
const networkGroups = 4;

/** An IPv4 address as a socket of IPv6 reports it. */
function isMapped(address: string): boolean {
  return address.startsWith(mapped) && address.includes('.');
}

/** Describes the client at this connection to the pool. */
export function describedClient(socket: Socket, host: string | undefined): ForwardedFields {
  const { remoteAddress: address } = socket;
  const isShort = address !== undefined && isMapped(address);
  const scheme = 'encrypted' in socket ? 'https' : 'http';
  return describedByProxy(isShort ? address.slice(mapped.length) : address, scheme, host);
}

/**
 * Returns the name for limits of a client address: an IPv4 address unchanged, or the /64 network of an IPv6
 * address.
 */
export function addressName(address: string): string {
  if (isMapped(address)) return address.slice(mapped.length);
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
