import { expect, test } from '@jest/globals';
import { Shares } from '../../src/listen/shares.ts';

test('each name has a limit of calls and of bytes, and uses no memory after its calls are over', () => {
  const shares = new Shares({ maxCallsPerUser: 2, maxBytesPerUser: 10 });
  const first = shares.acquire('a', 4);
  const second = shares.acquire('a', 6);
  expect(shares.acquire('a', 0)).toBe('calls');
  expect(shares.acquire('b', 11)).toBe('bytes');
  const other = shares.acquire('b', 10);
  expect(shares.size).toBe(2);
  for (const over of [first, second, other]) {
    expect(typeof over).toBe('function');
    if (typeof over === 'function') over();
  }
  expect(shares.size).toBe(0);
  expect(typeof shares.acquire('a', 10)).toBe('function');
});
