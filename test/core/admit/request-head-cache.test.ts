import { expect, test } from '@jest/globals';
import { batchKey, credentialsOf } from '../../../src/core/ucwa/batch-key.ts';
import { type KnownHead, RequestHeadCache } from '../../../src/core/admit/request-head-cache.ts';
import { PoolNames } from '../../../src/core/admit/pool-names.ts';
import { readHead } from '../../../src/core/admit/request-head.ts';
import { onePool } from '../../support/one-pool.ts';

const asItIs = (credentials: string): string => credentials;
const ann = ['Host', 'a', 'Authorization', 'Bearer ann', 'Accept', 'application/xml'];
/** Returns equal strings that are other objects, as a parser creates them for each request. */
const again = (headers: readonly string[]): string[] =>
  headers.map((text) => Buffer.from(text, 'latin1').toString('latin1'));

test('calls with the same fields share a head, on one connection or on several', () => {
  const heads = new RequestHeadCache(asItIs, onePool());
  const first = heads.read(again(ann), undefined);
  expect(heads.read(again(ann), first)).toBe(first);
  expect(heads.read(again(ann), undefined)).toBe(first);
  heads.forget();
  expect(heads.read(again(ann), first)).toBe(first);
  expect(heads.read(again(ann), undefined)).not.toBe(first);
});

test.each<[string, string[]]>([
  ['another value', [...ann.slice(0, 5), 'application/json']],
  ['another user', ['Host', 'a', 'Authorization', 'Bearer bob', 'Accept', 'application/xml']],
  ['another case', ['host', ...ann.slice(1)]],
  ['another order', [...ann.slice(2), ...ann.slice(0, 2)]],
  ['one field more', [...ann, 'Cookie', 'c']],
  ['one field less', ann.slice(0, 4)],
  ['nothing', []],
])('a head with %s is not shared', (_, other) => {
  const heads = new RequestHeadCache(asItIs, onePool());
  const first = heads.read(again(ann), undefined);
  const second = heads.read(again(other), first);
  expect(second).not.toBe(first);
  expect([first.headers, second.headers]).toEqual([ann, other]);
  for (const [head, headers] of [
    [first, ann],
    [second, other],
  ] as const) {
    const facts = readHead(headers);
    expect(head.facts).toEqual(facts);
    expect(head.user).toBe(credentialsOf(facts));
    expect(head.keyOf('/a', [])).toEqual(batchKey('/a', facts, 'pool', []));
  }
});

test.each<[string, (user: string) => string[]]>([
  ['a token', (user) => ['Accept-Charset', 'a', 'Authorization', user]],
  ['a token, in lower case', (user) => ['Ms-Some-Field', 'a', 'authorization', user]],
  ['a ticket', (user) => ['Accept-Charset', 'a', 'X-MS-WebTicket', user]],
  ['a ticket, in lower case', (user) => ['Ms-Some-Field', 'a', 'x-ms-webticket', user]],
  ['a ticket after a shared token', (user) => ['Authorization', 'a', 'X-MS-WebTicket', user]],
  ['a token before a shared ticket', (user) => ['Authorization', user, 'X-MS-WebTicket', 'a']],
  ['a token after a shared ticket', (user) => ['X-MS-WebTicket', 'a', 'Authorization', user]],
  ['a ticket after an empty token', (user) => ['Authorization', '', 'X-MS-WebTicket', user]],
])("each user's head is found again on new connections; the users differ by %s", (_, of) => {
  const heads = new RequestHeadCache(asItIs, onePool());
  const read = (): KnownHead[] =>
    ['ann', 'bob', 'cid'].map((user) => heads.read(again(of(user)), undefined));
  const first = read();
  expect(read().map((head, i) => head === first[i])).toEqual([true, true, true]);
});

test('equal keys are one object', () => {
  const head = new RequestHeadCache(asItIs, onePool()).read(ann, undefined);
  expect(head.applicationPath).toBeUndefined();
  const key = head.keyOf('/a', []);
  expect(head.keyOf('/a', [])).toBe(key);
  expect(head.keyOf('/b', [])).toEqual({ ...key, applicationPath: '/b' });
  expect(head.keyOf('/b', ['X-Forwarded-For', '1.2.3.4'])).toEqual({
    ...key,
    applicationPath: '/b',
    forwarded: ['X-Forwarded-For', '1.2.3.4'],
  });
  expect(head.applicationPath).toBe('/b');
});

test('at most 1024 heads are kept', () => {
  const heads = new RequestHeadCache(asItIs, onePool());
  const users = Array.from({ length: 1025 }, (_, user) => ['Authorization', `Bearer ${user}`]);
  const first = users.map((headers) => heads.read(headers, undefined));
  expect(heads.read(again(users[1024]!), undefined)).toBe(first[1024]);
  expect(heads.read(again(users[1023]!), undefined)).not.toBe(first[1023]);
});

test('costBytes counts the text and the number of fields of new heads until they are forgotten', () => {
  const heads = new RequestHeadCache(asItIs, onePool());
  const first = heads.read(ann, undefined);
  const costBytes = heads.costBytes;
  expect(costBytes).toBeGreaterThan(ann.join('').length);
  heads.read(again(ann), first);
  heads.read(again(ann), undefined);
  expect(heads.costBytes).toBe(costBytes);
  heads.read([...ann, 'X', 'x'.repeat(1000)], first);
  const longBytes = heads.costBytes - costBytes;
  heads.read([...ann, ...Array<string>(1000).fill('x')], first);
  const manyBytes = heads.costBytes - costBytes - longBytes;
  expect([longBytes > 1000, manyBytes > 20 * longBytes]).toEqual([true, true]);
  heads.forget();
  expect(heads.costBytes).toBe(0);
});

test("a new head of a known user replaces only this user's head", () => {
  const heads = new RequestHeadCache(asItIs, onePool());
  const users = Array.from({ length: 1024 }, (_, user) => ['Authorization', `Bearer ${user}`]);
  const [first] = users.map((headers) => heads.read(headers, undefined));
  for (const field of ['Accept', 'Cache-Control', 'Content-Length']) {
    for (const value of ['1', '2']) heads.read([...users[1]!, field, value], undefined);
  }
  expect(heads.read(again(users[0]!), undefined)).toBe(first);
});

test.each([
  ['explain', true],
  ['Explain', true],
  ['never', false],
])('X-Ucwa-Batch: %s asks for an explanation: %s', (value, asks) => {
  const { explain } = new RequestHeadCache(asItIs, onePool()).read(
    [...ann, 'X-Ucwa-Batch', value],
    undefined,
  );
  expect([explain, new RequestHeadCache(asItIs, onePool()).read(ann, undefined).explain]).toEqual([
    asks,
    false,
  ]);
});

test('a head has the description of the client by its peer, read once', () => {
  const head = new RequestHeadCache(asItIs, onePool()).read(
    [...ann, 'X-Forwarded-For', '10.0.0.1', 'X-Forwarded-Proto', 'https'],
    undefined,
  );
  expect(head.describedByPeer).toEqual([
    ...['X-Forwarded-For', '10.0.0.1', 'X-Forwarded-Proto', 'https'],
  ]);
  expect(head.describedByPeer).toBe(head.describedByPeer);
});

test('a head is read again when the names of the pools have changed', () => {
  const names = new PoolNames([{ name: 'one', hosts: ['a'], authority: 'one' }]);
  const heads = new RequestHeadCache(asItIs, names);
  const first = heads.read(again(ann), undefined);
  names.replace([{ name: 'one', hosts: ['b'], authority: 'one' }]);
  const second = heads.read(again(ann), first);
  expect([first.destination?.poolName, second.destination]).toEqual(['one', undefined]);
  expect(heads.read(again(ann), undefined)).toBe(second);
  names.replace([
    { name: 'one', hosts: ['b'], authority: 'one', aliases: ['c:1'] },
    { name: 'two', hosts: ['*'], authority: 'two' },
  ]);
  expect(heads.read(again(ann), second).destination).toMatchObject({ pool: 1, poolName: 'two' });
});
