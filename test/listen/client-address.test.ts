import { expect, test } from '@jest/globals';
import { addressName, lastForwarded } from '../../src/listen/client-address.ts';

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:0db8:0001:0002::1', '2001:db8:1:2'],
  ['2001:DB8:1:2:ffff::', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['fe80::1', 'fe80:0:0:0'],
  ['', ''],
  ['unknown', 'unknown'],
])('the address %s has the name %s', (address, name) => {
  expect(addressName(address)).toBe(name);
});

test.each([
  [undefined, undefined],
  ['', undefined],
  ['10.0.0.1', '10.0.0.1'],
  ['6.6.6.6, 10.0.0.1', '10.0.0.1'],
  ['6.6.6.6,  ', undefined],
])('X-Forwarded-For %j has the last entry %j', (field, address) => {
  expect(lastForwarded(field)).toBe(address);
});

test('an entry is shortened to the longest length of an address', () => {
  expect(lastForwarded('x'.repeat(1000))).toHaveLength(45);
});
