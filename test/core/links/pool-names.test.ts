import { describe, expect, test } from '@jest/globals';
import { PoolNames } from '../../../src/core/admit/pool-names.ts';
import { comparableAuthority } from '../../../src/core/links/authority.ts';
import { addressOf } from '../../../src/core/links/pool-names.ts';

const first = { name: 'pool-a', hosts: ['a.example', '*'], authority: 'a' };
const second = { name: 'pool-b', hosts: ['b.example'], authority: 'b' };
const two = new PoolNames([first, second]);
const one = new PoolNames([{ ...first, hosts: [] }]);

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
    ['pool-a.app.localhost:8443', 'pool-b', 'pool-b.app.localhost:8443'],
    ['pool-b.app.localhost:8443', 'pool-a', 'app.localhost:8443'],
  ])('for a client at %s: %s is at %s', (client, pool, address) => {
    expect(addressOf(two, pool, client)).toBe(address);
    expect(two.find(address)?.poolName).toBe(pool);
  });

  test('is unknown if the client may be unable to resolve a name for it', () => {
    const elsewhere = ['proxy.example:8080', 'pool-b.proxy.example', '10.0.0.1:8080'];
    for (const client of [...elsewhere, 'localhost.example', 'xlocalhost']) {
      expect(addressOf(two, 'pool-b', client)).toBeUndefined();
      expect(addressOf(two, 'pool-a', client)).toBe(client);
    }
  });

  test('is unknown if the name that the client could resolve leads to another pool, or to none', () => {
    const taken = new PoolNames([first, second, { ...second, name: 'c', hosts: ['*.localhost'] }]);
    expect(addressOf(taken, 'pool-b', '127.0.0.1:8080')).toBeUndefined();
    const named = new PoolNames([{ ...first, hosts: ['a.example'] }, second]);
    expect(addressOf(named, 'pool-b', '127.0.0.1:8080')).toBeUndefined();
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
