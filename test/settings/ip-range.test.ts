import { BlockList } from 'node:net';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatIpRange, ipRangePattern, parseIpRange } from '../../src/settings/ip-range.ts';

test.each([
  ['10.1.2.3', '10.1.2.3', 32, 'ipv4'],
  ['10.0.0.0/8', '10.0.0.0', 8, 'ipv4'],
  ['0.0.0.0/0', '0.0.0.0', 0, 'ipv4'],
  ['fd00::1', 'fd00::1', 128, 'ipv6'],
  ['fd00::/8', 'fd00::', 8, 'ipv6'],
])(
  '%s is parsed, formatted again, and accepted by a BlockList',
  (text, address, prefixLength, family) => {
    const range = parseIpRange(text)!;
    expect(range).toEqual({ address, prefixLength, family });
    expect(formatIpRange(range)).toBe(text);
    const list = new BlockList();
    list.addSubnet(range.address, range.prefixLength, range.family);
    expect(list.check(address, range.family)).toBe(true);
  },
);

test.each([
  '',
  '10.0.0',
  '10.0.0.0/33',
  '10.0.0.0/',
  '10.0.0.0/-1',
  '10.0.0.0/8/8',
  'fd00::/129',
  'fe80::1%eth0',
  'localhost',
  '*',
])('%j is not a range', (text) => {
  expect(parseIpRange(text)).toBeUndefined();
});

test('the pattern for other programs matches exactly the ranges', () => {
  const piece = fc.oneof(
    fc.constantFrom(':', '::', '.', '/', '1.2.3.4', 'ffff', '0', '00', '255', '256', '32', '128'),
    fc.integer({ min: 0, max: 300 }).map(String),
    fc.integer({ min: 0, max: 0x1ffff }).map((n) => n.toString(16)),
  );
  const near = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  const length = fc.integer({ min: 0, max: 140 });
  const text = fc.oneof(
    near,
    address,
    fc
      .tuple(address, length, fc.constantFrom('', '0', '00'))
      .map(([a, n, zeros]) => `${a}/${zeros}${n}`),
  );
  fc.assert(
    fc.property(text, (one) => {
      expect([one, ipRangePattern.test(one)]).toEqual([one, parseIpRange(one) !== undefined]);
    }),
    { numRuns: 5000 },
  );
});
