import { isIPv6 } from 'node:net';

const mapped = '::ffff:';
/** An IPv6 client has a whole network of 2^64 addresses: its first four groups name it. */
const networkGroups = 4;

/**
 * The name under which a client address is counted: an IPv4 address as it is, of an IPv6 address its
 * network of 64 bits.
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
 * The client's address as a trusted peer names it: the last entry of `X-Forwarded-For`, which that peer added.
 * `undefined` if there is none.
 */
export function lastForwarded(forwardedFor: string | undefined): string | undefined {
  const last = forwardedFor?.slice(forwardedFor.lastIndexOf(',') + 1).trim();
  return last === undefined || last === '' ? undefined : last.slice(0, 45);
}
