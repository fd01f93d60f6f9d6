import { expect, test } from '@jest/globals';
import type { Socket } from 'node:net';
import { trust } from '../../src/listen/trusted-peers.ts';

const ranges = [{ address: '192.0.2.0', prefixLength: 24, family: 'ipv4' }] as const;
const from = (remoteAddress?: string) => ({
  socket: { remoteAddress, remoteFamily: 'IPv4' } as Socket,
});

test('a peer is trusted if its address is in one of the ranges', () => {
  const isTrusted = trust(ranges);
  expect(isTrusted(from('192.0.2.7'))).toBe(true);
  expect(isTrusted(from('198.51.100.7'))).toBe(false);
  expect(trust([])(from('192.0.2.7'))).toBe(false);
});

test('a connection that is destroyed, and has no address any more, is not trusted', () => {
  expect(trust(ranges)(from())).toBe(false);
});
