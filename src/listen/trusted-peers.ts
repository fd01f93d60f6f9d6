import { BlockList, type Socket } from 'node:net';
import type { IpRange } from '../settings/ip-range.ts';

/**
 * Returns a function that checks whether a connection comes from one of the ranges. The result is cached for
 * each connection.
 */
export function trust(ranges: readonly IpRange[]): (peer: { readonly socket: Socket }) => boolean {
  if (ranges.length === 0) return () => false;
  const trusted = new BlockList();
  for (const { address, prefixLength, family } of ranges) {
    trusted.addSubnet(address, prefixLength, family);
  }
  const known = new WeakMap<Socket, boolean>();
  return ({ socket }) => {
    let is = known.get(socket);
    if (is === undefined) {
      const { remoteAddress, remoteFamily } = socket;
      // A destroyed socket has no address any more.
      is =
        remoteAddress !== undefined &&
        trusted.check(remoteAddress, remoteFamily === 'IPv6' ? 'ipv6' : 'ipv4');
      known.set(socket, is);
    }
    return is;
  };
}
