/** The description of a client that the pool receives: it is the same on all ways. */
import { describe, expect, test } from '@jest/globals';
import { type NamedPoolServer, startNamedPool } from '../support/named-pool.ts';
import { startProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { app } from '../support/ucwa-client.ts';

const off = { UCWA_PROXY_BATCHING_MODE: 'off' };
const fixed = { UCWA_PROXY_BATCHING_MODE: 'fixed', UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000' };
const two = { ...fixed, UCWA_PROXY_BATCHING_MAX_PARTS: '2' };
const trusted = { UCWA_PROXY_LISTEN_TRUSTED_PROXIES: '127.0.0.1' };

/** The ways of a request to the pool: its settings, and its targets. */
const ways: ReadonlyArray<readonly [string, Readonly<Record<string, string>>, readonly string[]]> =
  [
    ['a request that passes through', {}, ['/Autodiscover']],
    ['a single call', off, [`${app}/me`]],
    ['a batch', two, [`${app}/me`, `${app}/people`]],
  ];

/** Returns the fields that describe the client in the only request to the pool. */
function description({ heads: [head = [], ...others] }: NamedPoolServer): string[] {
  expect(others).toEqual([]);
  const isOne = (name: string | undefined) => /forwarded|x-real-ip/i.test(name ?? '');
  return head.filter((_, i) => isOne(head[i - (i % 2)])).map((text) => text);
}

async function sent(
  env: Readonly<Record<string, string>>,
  targets: readonly string[],
  fields: readonly string[],
): Promise<string[]> {
  const pool = await startNamedPool('only');
  const proxy = await startProxy(pool.url, env);
  const client = new RawClient(proxy.port);
  const lines = ['Host: web.example', 'Authorization: Bearer cwt=ann', ...fields, '', ''];
  client.send(targets.map((target) => `GET ${target} HTTP/1.1\r\n${lines.join('\r\n')}`).join(''));
  for (const target of targets) {
    const { status, body } = await client.readAnswer();
    expect([target, status]).toEqual([target, 200]);
    expect(JSON.parse(body.toString())).toMatchObject({ target });
  }
  expect(pool.bodies.join('')).not.toMatch(/forwarded|x-real-ip/i);
  return description(pool);
}

const said = [
  'Forwarded: for=192.0.2.60;proto=http',
  'X-Forwarded-For: 192.0.2.60',
  'X-Forwarded-Proto: https',
  'X-Forwarded-For: 192.0.2.61',
  'X-Forwarded-Host: outer.example',
];

const byProxy = [
  ...['X-Forwarded-For', '127.0.0.1', 'X-Forwarded-Proto', 'http'],
  ...['X-Forwarded-Host', 'web.example'],
];

const byPeer = [
  ...['X-Forwarded-For', '192.0.2.60, 192.0.2.61', 'X-Forwarded-Proto', 'https'],
  ...['X-Forwarded-Host', 'outer.example', 'Forwarded', 'for=192.0.2.60;proto=http'],
];

describe.each(ways)('on %s', (_, env, targets) => {
  test('the proxy describes a client itself', async () => {
    expect(await sent(env, targets, [])).toEqual(byProxy);
  });

  test('the proxy drops the description that a client sends, in each spelling', async () => {
    const others = ['x_forwarded_for: 6.6.6.6', 'X-Real-IP: 6.6.6.6', 'X-Forwarded-Port: 1'];
    expect(await sent(env, targets, [...said, ...others])).toEqual(byProxy);
  });

  test('the proxy keeps the description by a trusted proxy', async () => {
    expect(await sent({ ...env, ...trusted }, targets, said)).toEqual(byPeer);
  });

  test('the proxy keeps the description by a trusted proxy if Connection names it', async () => {
    const named = [...said, 'Connection: X-Forwarded-For, X-Forwarded-Host, Forwarded'];
    expect(await sent({ ...env, ...trusted }, targets, named)).toEqual(byPeer);
  });

  test('the proxy adds nothing to the silence of a trusted proxy', async () => {
    expect(await sent({ ...env, ...trusted }, targets, [])).toEqual([]);
  });
});

test.each([
  ['X-Forwarded-For: 192.0.2.60', 'X-Forwarded-For: 192.0.2.61'],
  ['X-Forwarded-Proto: http', 'X-Forwarded-Proto: https'],
  ['X-Forwarded-Host: a.example', 'X-Forwarded-Host: b.example'],
  ['Forwarded: for=a', 'Forwarded: for=b'],
])('calls with %s and %s never share a batch', async (one, other) => {
  const pool = await startNamedPool('only');
  const proxy = await startProxy(pool.url, { ...two, ...trusted });
  const client = new RawClient(proxy.port);
  for (const [i, field] of [one, other, one, other].entries()) {
    client.send(
      `GET ${app}/me?n=${i} HTTP/1.1\r\nHost: p\r\nAuthorization: Bearer cwt=ann\r\n${field}\r\n\r\n`,
    );
  }
  for (let i = 0; i < 4; i += 1) expect((await client.readAnswer()).status).toBe(200);
  const targets = pool.bodies.map((body) => body.match(/\?n=\d/g));
  expect(targets).toEqual([
    ['?n=0', '?n=2'],
    ['?n=1', '?n=3'],
  ]);
});
