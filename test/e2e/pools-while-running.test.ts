/** Names and servers of pools change while the proxy runs. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { readAdmin } from '../support/metric-values.ts';
import { startNamedPool } from '../support/named-pool.ts';
import { startPool } from '../support/pool.ts';
import { startProxyFrom, type TestProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { SigningClient } from '../support/signing-client.ts';
import { startSigningPool } from '../support/signing-pool.ts';
import { app, notes, UcwaClient } from '../support/ucwa-client.ts';

interface Wanted {
  readonly hosts?: string[];
  readonly servers?: string[];
  readonly fallback?: string[];
}

/** Reads these values of the pools, in their order, and all others as they are. */
function reload({ settings }: TestProxy, ...wanted: readonly Wanted[]) {
  const { current } = settings;
  const pools = current.pools.map((pool, i) => ({ ...pool, ...wanted[i] }));
  return settings.reload({ ...current, pools }, new Map());
}

const requests = (pool: { stats(): { requests: number } }): number => pool.stats().requests;

test('a name moves to another pool, also for the next request on an open connection', async () => {
  const [a, b] = [await startNamedPool('a'), await startNamedPool('b')];
  const proxy = await startProxyFrom(`
pools:
  - { name: a, hosts: [a.example, moves.example], servers: ['${a.url}'] }
  - { name: b, hosts: [b.example], servers: ['${b.url}'] }`);
  const open = new RawClient(proxy.port);
  const ask = async (host: string, client = open): Promise<string> => {
    client.send(`GET /x HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    const { status, body } = await client.readAnswer();
    return status === 200 ? (JSON.parse(body.toString()) as { pool: string }).pool : String(status);
  };
  const other = new RawClient(proxy.port);
  expect([await ask('moves.example'), await ask('new.example', other)]).toEqual(['a', '421']);
  const { changed, needRestart } = reload(
    proxy,
    { hosts: ['a.example'] },
    { hosts: ['b.example', 'moves.example', 'new.example'] },
  );
  expect([changed, needRestart]).toEqual([['pools[].hosts'], []]);
  expect([await ask('moves.example'), await ask('new.example')]).toEqual(['b', 'b']);
  expect([await ask('a.example'), await ask('b.example')]).toEqual(['a', 'b']);
});

test('a server goes and another comes: no call is lost, and the former one gets no new request', async () => {
  const [stays, goes, comes] = [
    await startPool({ latency: 30 }),
    await startPool({ latency: 30 }),
    await startPool({ latency: 30 }),
  ];
  const proxy = await startProxyFrom(
    `pools: [{ name: a, servers: ['${stays.url}', '${goes.url}'] }]`,
  );
  const client = new UcwaClient(proxy.url);
  const paths = ['me', 'people', 'photos/x', 'me/note'].map((path) => `${app}/${path}`);
  const statuses: number[] = [];
  const wave = async (): Promise<void> => {
    const answers = await Promise.all(paths.map((path) => client.ask(path)));
    statuses.push(...answers.map(({ status }) => status));
  };
  for (let n = 0; n < 3; n += 1) await wave();
  expect(Math.min(requests(stays), requests(goes))).toBeGreaterThan(0);
  const underWay = wave();
  const { changed, needRestart } = reload(proxy, { servers: [stays.url, comes.url] });
  expect([changed, needRestart]).toEqual([['pools[].servers'], []]);
  await underWay;
  const before = requests(goes);
  for (let n = 0; n < 4; n += 1) await wave();
  expect(requests(goes)).toBe(before);
  expect(requests(comes)).toBeGreaterThan(0);
  expect(new Set(statuses)).toEqual(new Set([200]));
  // The connections to the former server close.
  while (goes.stats().openConnections > 0) await delay(5);
  const { body } = await readAdmin(proxy.ports.admin, '/servers');
  const { servers } = JSON.parse(body) as { servers: ReadonlyArray<{ server: string }> };
  expect(servers.map(({ server }) => server)).toEqual([stays.url, comes.url]);
  // The former server comes back under the same name.
  reload(proxy, { servers: [goes.url, comes.url] });
  for (let n = 0; n < 4; n += 1) await wave();
  expect(requests(goes)).toBeGreaterThan(before);
  expect(new Set(statuses)).toEqual(new Set([200]));
});

test('a call that is under way ends on the server that goes', async () => {
  const [slow, other, third] = [
    await startPool({ latency: 300 }),
    await startPool({ latency: 300 }),
    await startPool(),
  ];
  const proxy = await startProxyFrom(
    `pools: [{ name: a, servers: ['${slow.url}'], fallback: ['${other.url}'] }]`,
  );
  const client = new UcwaClient(proxy.url);
  const write = client.ask(`${app}/me/note`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{"message":"x"}',
  });
  const reads = client.askAll(notes(4));
  await proxy.untilMetric('ucwa_proxy_outstanding_calls', (calls) => calls === 5);
  reload(proxy, { servers: [third.url] });
  expect((await write).status).toBeLessThan(300);
  for (const { status } of await reads) expect(status).toBe(200);
  expect([requests(other), requests(third)]).toEqual([0, 0]);
});

test('a client on a server that goes signs in anew on another server', async () => {
  const [former, latter, third] = await Promise.all([1, 2, 3].map(() => startSigningPool()));
  if (former === undefined || latter === undefined || third === undefined)
    throw new Error('no pools');
  const proxy = await startProxyFrom(
    `pools: [{ name: a, connectionAuth: bind, servers: ['${former.url}'], fallback: ['${latter.url}'] }]`,
  );
  const ann = new SigningClient(proxy.port);
  expect((await ann.signIn('ann')).said?.user).toBe('ann');
  reload(proxy, { servers: [latter.url], fallback: [third.url] });
  await former.untilOpen(0);
  expect((await ann.signIn('ann')).said?.user).toBe('ann');
  expect((await ann.ask('/abs/handler')).said?.user).toBe('ann');
  const bob = new SigningClient(proxy.port);
  expect((await bob.signIn('bob')).said?.user).toBe('bob');
  expect((await bob.ask('/abs/handler')).said?.user).toBe('bob');
  expect(former.handshakes).toBe(2);
});

test.each([
  [
    'one server becomes two',
    "['http://127.0.0.1:9']",
    "['http://127.0.0.1:9', 'http://127.0.0.1:8']",
  ],
  [
    'the scheme',
    "['http://127.0.0.1:9', 'http://127.0.0.1:8']",
    "['https://127.0.0.1:9', 'https://127.0.0.1:8']",
  ],
])('%s: that needs a restart, and says so', async (_what, from, to) => {
  const proxy = await startProxyFrom(`pools: [{ name: a, servers: ${from} }]`);
  const servers = JSON.parse(to.replaceAll("'", '"')) as string[];
  const { changed, needRestart } = reload(proxy, { servers });
  expect([changed, needRestart]).toEqual([[], ['pools[].servers']]);
  expect(JSON.stringify(proxy.settings.current.pools[0]?.servers)).toBe(
    from.replaceAll("'", '"').replaceAll(' ', ''),
  );
});
