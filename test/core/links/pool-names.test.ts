import { describe, expect, test } from '@jest/globals';
import { comparableAuthority } from '../../../src/core/links/authority.ts';
import { addressOf, poolAt, type PoolNames } from '../../../src/core/links/pool-names.ts';

const known: Readonly<Record<string, string>> = {
  'a.example': 'pool-a',
  'b.example': 'pool-b',
  'b.example:4443': 'pool-b',
};
const poolOf = (authority: string): string | undefined => known[authority];
const two: PoolNames = { pools: ['pool-a', 'pool-b'], poolOf };
const one: PoolNames = { pools: ['pool-a'], poolOf };

describe('the pool for a request', () => {
  test.each([
    ['a.example', 'pool-a'],
    ['b.example:4443', 'pool-b'],
    ['pool-b.localhost:8080', 'pool-b'],
    ['pool-b.proxy.example', 'pool-b'],
    ['localhost:8080', 'pool-a'],
    ['127.0.0.1:8080', 'pool-a'],
    ['b.example:1', 'pool-a'],
    ['pool-b', 'pool-a'],
  ])('with the host %s is %s', (authority, pool) => {
    expect(poolAt(two, authority)).toBe(pool);
  });
});

describe('the address of a pool', () => {
  test.each([
    ['localhost:8080', 'pool-a', 'localhost:8080'],
    ['localhost:8080', 'pool-b', 'pool-b.localhost:8080'],
    ['127.0.0.1:8080', 'pool-b', 'pool-b.localhost:8080'],
    ['127.8.0.1', 'pool-b', 'pool-b.localhost'],
    ['[::1]:8080', 'pool-b', 'pool-b.localhost:8080'],
    ['app.localhost:8080', 'pool-b', 'pool-b.localhost:8080'],
    ['pool-b.localhost:8080', 'pool-b', 'pool-b.localhost:8080'],
    ['pool-b.localhost:8080', 'pool-a', 'localhost:8080'],
    ['pool-a.proxy.example:8443', 'pool-b', 'pool-b.proxy.example:8443'],
    ['pool-b.proxy.example', 'pool-a', 'pool-a.proxy.example'],
    ['pool-b.proxy.example:8443', 'pool-a', 'pool-a.proxy.example:8443'],
  ])('for a client at %s: %s is at %s', (client, pool, address) => {
    expect(addressOf(two, pool, client)).toBe(address);
    expect(poolAt(two, address)).toBe(pool);
  });

  test('is the same again after a way over another pool', () => {
    const client = 'pool-a.proxy.example:8443';
    const other = addressOf(two, 'pool-b', client);
    expect(addressOf(two, 'pool-a', other ?? '')).toBe(client);
  });

  test('is unknown if the client may be unable to resolve a name for it', () => {
    for (const client of ['proxy.example:8080', '10.0.0.1:8080', 'localhost.example']) {
      expect(addressOf(two, 'pool-b', client)).toBeUndefined();
      expect(addressOf(two, 'pool-a', client)).toBe(client);
    }
  });

  test('is the address that the client used if there is one pool', () => {
    for (const client of ['proxy.example:8080', '127.0.0.1:8080', 'pool-a.localhost']) {
      expect(addressOf(one, 'pool-a', client)).toBe(client);
    }
  });
});

describe('authorities', () => {
  test.each([
    ['https', 'Pool.Example:443', 'pool.example'],
    ['http', 'pool.example:443', 'pool.example:443'],
    ['http', 'pool.example:0080', 'pool.example'],
    ['https', '[2001:DB8::1]:4443', '[2001:db8::1]:4443'],
    ['https', 'fe01_a', 'fe01_a'],
  ] as const)('are comparable: %s %s', (scheme, authority, comparable) => {
    expect(comparableAuthority(scheme, authority)).toBe(comparable);
  });

  test.each([
    '',
    'a:',
    ':1',
    'a:0',
    'a:65536',
    'a b',
    'a..b',
    '.a',
    'a.',
    'u@a',
    'a/b',
    'ä',
    '[::1',
    'a:1:2',
    'a'.repeat(300),
  ])('that are illegal have no comparable form: %j', (authority) => {
    expect(comparableAuthority('https', authority)).toBeUndefined();
  });
});
