import { describe, expect, test } from '@jest/globals';
import { PoolNames } from '../../../src/core/admit/pool-names.ts';

const web = { name: 'web', hosts: ['web.example.com', 'Meet.Example.com.'], authority: 'fe:4443' };
const office = {
  name: 'oos',
  hosts: ['*.office.example.com', '[2001:DB8::1]'],
  authority: 'o:443',
};
const admin = { name: 'admin', hosts: ['web.example.com:8443'], authority: 'a' };

/** Returns the pool and its `Host`, as `pool Host`. */
function found(names: PoolNames, host: string | undefined): string | undefined {
  const destination = names.find(host);
  return destination && `${destination.poolName}/${destination.pool} ${destination.authority}`;
}

describe('a Host that is a name of a pool is forwarded byte for byte', () => {
  const names = new PoolNames([web, office, admin]);

  test.each([
    ['web.example.com', 'web/0'],
    ['WEB.Example.com', 'web/0'],
    ['web.example.com.', 'web/0'],
    ['web.example.com:4443', 'web/0'],
    ['web.example.com.:04443', 'web/0'],
    ['meet.example.com', 'web/0'],
    ['web.example.com:8443', 'admin/2'],
    ['WEB.example.com.:8443', 'admin/2'],
    ['a.office.example.com', 'oos/1'],
    ['a.b.OFFICE.example.com:1', 'oos/1'],
    ['[2001:db8::1]', 'oos/1'],
    ['[2001:DB8:0:0::1]:443', 'oos/1'],
  ])('%s', (host, pool) => {
    expect(found(names, host)).toBe(`${pool} ${host}`);
  });

  test.each([
    ...['office.example.com', '.office.example.com', 'xoffice.example.com', 'example.com', ''],
    ...['web.example.com..', 'web.example.com.evil.example', 'webXexample.com', '127.0.0.1:8080'],
    ...['[2001:db8::2]', '[::]', 'web%2eexample.com', 'web_.example.com', 'constructor', '*'],
    undefined,
  ])('and no other one is: %s', (host) => {
    expect(found(names, host)).toBeUndefined();
  });
});

describe('a name without a port, as clients send it to a default port,', () => {
  const names = new PoolNames([
    { name: 'secure', hosts: ['b.example:443', '*.c.example:443'], authority: 'x' },
    { name: 'plain', hosts: ['b.example:80', 'p.example:80', 'd.example:80'], authority: 'y' },
    { name: 'all', hosts: ['d.example', '*.c.example', 'e.example:8443'], authority: 'z' },
  ]);

  test.each([
    ['b.example', 'secure/0'],
    ['B.example.', 'secure/0'],
    ['b.example:443', 'secure/0'],
    ['b.example:80', 'plain/1'],
    ['a.c.example', 'secure/0'],
    ['a.c.example:80', 'all/2'],
    ['p.example', 'plain/1'],
    ['d.example', 'all/2'],
    ['d.example:80', 'plain/1'],
  ])('is the name with this port: %s', (host, pool) => {
    expect(found(names, host)).toBe(`${pool} ${host}`);
    expect(names.poolOf(host)).toBe(pool.replace(/\/.*/, ''));
  });

  test.each(['b.example:8443', 'p.example:443', 'e.example', 'e.example:443'])(
    'is no name with another port: %s',
    (host) => {
      expect(found(names, host)).toBeUndefined();
    },
  );
});

test('each of many names is found in any case', () => {
  const hosts = Array.from({ length: 500 }, (_, i) => `h${i}.example`);
  const names = new PoolNames([{ name: 'many', hosts, authority: 'x' }]);
  for (const host of hosts) {
    expect(found(names, host.toUpperCase())).toBe(`many/0 ${host.toUpperCase()}`);
  }
  expect(found(names, 'h500.example')).toBeUndefined();
});

test('the longest of several patterns decides', () => {
  const names = new PoolNames([
    { name: 'all', hosts: ['*.example.com'], authority: 'x' },
    { name: 'some', hosts: ['*.b.example.com'], authority: 'y' },
    { name: 'one', hosts: ['a.b.example.com'], authority: 'z' },
  ]);
  expect(
    ['a.b.example.com', 'c.b.example.com', 'c.example.com'].map((host) => found(names, host)),
  ).toEqual(['one/2 a.b.example.com', 'some/1 c.b.example.com', 'all/0 c.example.com']);
});

describe('a pool that takes every other name gets', () => {
  test.each<[string, string[], string]>([
    ['the name of its server, if it has no names', [], 'fe:4443'],
    [
      'its first name without a wildcard',
      ['*.x.example', '*', 'a.example', 'b.example'],
      'a.example',
    ],
    ['the name of its server, if all its names have wildcards', ['*', '*.x.example'], 'fe:4443'],
  ])('%s', (_, hosts, authority) => {
    const names = new PoolNames([office, { name: 'rest', hosts, authority: 'fe:4443' }]);
    expect(found(names, 'any.example')).toBe(`rest/1 ${authority}`);
    expect(found(names, undefined)).toBe(`rest/1 ${authority}`);
    expect(found(names, 'a.office.example.com')).toBe('oos/0 a.office.example.com');
  });

  test('the name of its server for each request, if it is the only one and has no names', () => {
    const names = new PoolNames([{ name: '', hosts: [], authority: 'fe:4443' }]);
    const first = names.find('a');
    expect(first).toEqual({ pool: 0, poolName: '', authority: 'fe:4443' });
    expect(names.find('b')).toBe(first);
    expect(names.find(undefined)).toBe(first);
  });
});

describe('addresses below localhost that begin with the name of a pool', () => {
  const any = { ...web, hosts: [...web.hosts, '*'] };

  test.each([
    ['oos.localhost:8080', 'oos/1 [2001:DB8::1]'],
    ['ADMIN.app.LocalHost.', 'admin/2 web.example.com:8443'],
    ['web.localhost', 'web/0 web.example.com'],
  ])('lead to this pool, if one pool takes every other name: %s', (host, destination) => {
    expect(found(new PoolNames([any, office, admin]), host)).toBe(destination);
  });

  test.each([
    ...['oos', 'oos.example', 'oos.fabrikam.com:8080', 'oos.xlocalhost', 'oos.localhost.example'],
    ...['app.oos.localhost', 'localhost:8080', '127.0.0.1:8080', 'oos.127.0.0.1'],
  ])('are the only ones: %s', (host) => {
    expect(found(new PoolNames([any, office, admin]), host)).toBe('web/0 web.example.com');
  });

  test('lead nowhere, if no pool takes every other name', () => {
    expect(found(new PoolNames([web, office, admin]), 'oos.localhost:8080')).toBeUndefined();
  });
});

describe('a Host that is a server of a pool leads to this pool', () => {
  const any = { ...web, hosts: ['*'], aliases: ['fe:4443', 'shared'] };
  const other = { ...office, aliases: ['o', 'web.o:4443', 'shared'] };

  test.each([
    ['o', 'oos/1 [2001:DB8::1]'],
    ['O.:443', 'oos/1 [2001:DB8::1]'],
    ['web.o:4443', 'oos/1 [2001:DB8::1]'],
    ['fe:4443', 'web/0 fe:4443'],
    ['shared', 'web/0 fe:4443'],
    ['o:4443', 'web/0 fe:4443'],
  ])('if one pool takes every other name: %s', (host, destination) => {
    const names = new PoolNames([any, other]);
    expect(found(names, host)).toBe(destination);
  });

  test('before an address of the proxy that begins with the name of another pool', () => {
    const names = new PoolNames([any, other, { ...admin, aliases: ['oos.app.localhost'] }]);
    expect(found(names, 'oos.app.localhost')).toBe('admin/2 web.example.com:8443');
    expect(found(names, 'oos.localhost')).toBe('oos/1 [2001:DB8::1]');
  });

  test('and nowhere, if no pool takes every other name', () => {
    expect(found(new PoolNames([web, other]), 'o')).toBeUndefined();
  });
});

test('a link leads to a pool by its hosts and by its servers', () => {
  const names = new PoolNames([{ ...web, aliases: ['fe:4443', 'fe2:4443'] }, office]);
  const authorities = ['web.example.com', 'fe2:4443', 'a.office.example.com', 'fe', 'x.example'];
  expect(authorities.map((authority) => names.poolOf(authority))).toEqual([
    ...['web', 'web', 'oos'],
    ...[undefined, undefined],
  ]);
});
