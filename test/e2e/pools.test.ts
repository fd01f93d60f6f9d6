/** Several pools behind one address: each request goes to the pool that its `Host` names, and to no other. */
import { describe, expect, test } from '@jest/globals';
import { type NamedPoolServer, type Said, startNamedPool } from '../support/named-pool.ts';
import { startPool } from '../support/pool.ts';
import { startProxy, startProxyFrom } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { SigningClient, webTicket } from '../support/signing-client.ts';
import { startSigningPool } from '../support/signing-pool.ts';
import { app, type Asked, UcwaClient } from '../support/ucwa-client.ts';

const fixed = { UCWA_PROXY_BATCHING_MODE: 'fixed', UCWA_PROXY_BATCHING_LINGER_MAX_MS: '300' };

/** Two pools, `a` with the names `a.example`, `*.a.example`, and `b` with the name `b.example`. */
async function start(env: Readonly<Record<string, string>> = {}, more = '') {
  const [a, b] = [await startNamedPool('a'), await startNamedPool('b')];
  const proxy = await startProxyFrom(
    `pools:
  - { name: a, hosts: [a.example, '*.a.example'], servers: ['${a.url}'] }
  - { name: b, hosts: [b.example${more}], servers: ['${b.url}'] }
`,
    env,
  );
  const client = new UcwaClient(proxy.url);
  const ask = async (host: string, target: string, asked: Asked = {}): Promise<Said> => {
    const answer = await client.ask(target, {
      ...asked,
      headers: { ...asked.headers, Host: host },
    });
    expect([answer.status, answer.text]).toEqual([200, answer.text]);
    return JSON.parse(answer.text) as Said;
  };
  return { a, b, proxy, client, ask };
}

/** Returns the `Host` of each request at the pool. */
function hostsOf(pool: NamedPoolServer): string[] {
  return pool.heads.map((head) => {
    const hosts = head.filter((_, i) => i % 2 === 1 && head[i - 1]?.toLowerCase() === 'host');
    expect(hosts).toHaveLength(1);
    return hosts[0] ?? '';
  });
}

const names = ['a.example', 'A.Example.:8443', 'x.a.example:1', 'b.example'];

describe('the name of a pool reaches that pool, byte for byte,', () => {
  test('on requests that pass through', async () => {
    const { a, b, ask } = await start();
    for (const host of names) {
      const pool = host === 'b.example' ? 'b' : 'a';
      expect(await ask(host, '/Autodiscover')).toMatchObject({ pool, host });
    }
    expect([hostsOf(a), hostsOf(b)]).toEqual([names.slice(0, 3), names.slice(3)]);
  });

  test('on single calls', async () => {
    const { a, b, ask } = await start({ UCWA_PROXY_BATCHING_MODE: 'off' });
    for (const host of names) {
      const pool = host === 'b.example' ? 'b' : 'a';
      expect(await ask(host, `${app}/me`)).toEqual({ pool, host, target: `${app}/me` });
    }
    expect([hostsOf(a), hostsOf(b)]).toEqual([names.slice(0, 3), names.slice(3)]);
  });

  test('on batches and in each of their parts; calls by two names never share a batch', async () => {
    const { a, b, ask } = await start(fixed);
    const asked = names.flatMap((host) =>
      ['me', 'people'].map((path) => ({ host, target: `${app}/${path}` })),
    );
    const said = await Promise.all(asked.map(({ host, target }) => ask(host, target)));
    expect(said).toEqual(
      asked.map(({ host, target }) => ({
        ...{ pool: host === 'b.example' ? 'b' : 'a', target, host, partHost: host },
      })),
    );
    expect([hostsOf(a).sort(), hostsOf(b)]).toEqual([names.slice(0, 3).sort(), names.slice(3)]);
  });

  test('on the envelope of a batch that a client made; its parts keep their bytes', async () => {
    const { b, client } = await start();
    const part = 'Content-Type: application/http; msgtype=request\r\n\r\nGET /x HTTP/1.1\r\n';
    const body = `--B\r\n${part}Host: b.example\r\n\r\n\r\n--B--\r\n`;
    const headers = { 'Content-Type': 'multipart/batching;boundary=B', Host: 'b.example' };
    const answer = await client.ask(`${app}/batch`, { method: 'POST', headers, body });
    expect(answer.text).toContain('"host":"b.example","partHost":"b.example"');
    expect([hostsOf(b), b.bodies]).toEqual([['b.example'], [body]]);
  });
});

describe('any other name', () => {
  const tell = 'GET /Autodiscover HTTP/1.1\r\nHost: c.example\r\n\r\n';

  test.each([
    ['an unknown name', tell],
    ['an unknown name below a known one', tell.replace('c.example', 'c.b.example')],
    ['the address of the proxy', tell.replace('c.example', '127.0.0.1')],
    ['no name, in HTTP/1.0', 'GET /Autodiscover HTTP/1.0\r\n\r\n'],
    [
      'an unknown name in a call',
      `GET ${app}/me HTTP/1.1\r\nHost: c\r\nAuthorization: Bearer x\r\n\r\n`,
    ],
  ])('is refused with 421 and reaches no pool: %s', async (_, request) => {
    const { a, b, proxy } = await start();
    const client = new RawClient(proxy.port);
    client.send(request);
    const { status, head, body } = await client.readAnswer();
    expect([status, head]).toEqual([421, expect.stringMatching(/^Connection: close$/im)]);
    expect(JSON.parse(body.toString())).toEqual({
      type: 'urn:ucwa-batch-proxy:problem:refused-unknown-host',
      title: expect.stringContaining('pools[].hosts') as unknown,
      ...{ status: 421, executed: 'no' },
    });
    expect([a.heads, b.heads]).toEqual([[], []]);
    expect((await proxy.metrics()).get('ucwa_proxy_refused_total{reason="unknown_host"}')).toBe(1);
  });

  test('becomes the first name of the pool that takes it, on all ways', async () => {
    const { b, client, ask } = await start(fixed, `, '*'`);
    const expected = { pool: 'b', host: 'b.example' };
    expect(await ask('c.example', '/Autodiscover')).toMatchObject(expected);
    expect(await ask('c.example', `${app}/me`)).toMatchObject(expected);
    const both = [ask('c.example', `${app}/me`), ask('c.example', `${app}/people`)];
    for (const said of await Promise.all(both)) {
      expect(said).toMatchObject({ ...expected, partHost: 'b.example' });
    }
    await client.ask('/x', { headers: { Host: '127.0.0.1:8080' } });
    expect(new Set(hostsOf(b))).toEqual(new Set(['b.example']));
  });

  test('becomes the name of the server of upstream.url, which takes every name', async () => {
    const pool = await startNamedPool('only');
    const { url } = await startProxy(pool.url);
    const client = new UcwaClient(url);
    for (const target of ['/Autodiscover', `${app}/me`]) {
      await client.ask(target, { headers: { Host: 'any.example' } });
    }
    expect(hostsOf(pool)).toEqual([pool.authority, pool.authority]);
  });
});

describe('a connection of a client', () => {
  const request = (host: string, target: string): string =>
    `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer cwt=ann\r\n\r\n`;
  const saidIn = ({ body }: { readonly body: Buffer }): Said => JSON.parse(body.toString()) as Said;

  test('may name another pool with each request', async () => {
    const { proxy } = await start();
    const client = new RawClient(proxy.port);
    for (const [host, pool] of [
      ...[['a.example', 'a'] as const, ['b.example', 'b'] as const],
      ...[['a.example', 'a'] as const, ['b.example', 'b'] as const],
    ]) {
      for (const target of ['/abs/x', `${app}/me`]) {
        client.send(request(host, target));
        expect(saidIn(await client.readAnswer())).toMatchObject({ pool, host, target });
      }
    }
  });

  test('gets the answers of several pools in the order of its pipelined requests', async () => {
    const { proxy } = await start(fixed);
    const client = new RawClient(proxy.port);
    const asked = Array.from({ length: 12 }, (_, i) => ({
      host: i % 2 === 0 ? 'a.example' : 'b.example',
      target: i % 3 === 0 ? `/abs/${i}` : `${app}/me?n=${i}`,
    }));
    client.send(asked.map(({ host, target }) => request(host, target)).join(''));
    for (const { host, target } of asked) {
      const said = saidIn(await client.readAnswer());
      expect(said).toMatchObject({ pool: host.slice(0, 1), host, target });
    }
  });

  test('is bound at each pool by itself, with a connection of its own to each', async () => {
    const [a, b] = [await startSigningPool(), await startSigningPool()];
    const proxy = await startProxyFrom(`
upstream: { connectionAuth: bind }
pools:
  - { name: a, hosts: [a.example], servers: ['${a.url}'] }
  - { name: b, hosts: [b.example], servers: ['${b.url}'] }
`);
    const client = new SigningClient(proxy.port);
    const askAt = (host: string, target = '/abs/handler') => {
      client.host = host;
      return client.ask(target);
    };
    client.host = 'a.example';
    expect((await client.signIn('alice')).said?.user).toBe('alice');
    expect((await askAt('b.example')).said?.user).toBeNull();
    client.host = 'b.example';
    expect((await client.signIn('ben')).said?.user).toBe('ben');
    expect((await askAt('a.example')).said?.user).toBe('alice');
    expect((await askAt('b.example')).said?.user).toBe('ben');
    const other = new SigningClient(proxy.port);
    other.host = 'a.example';
    expect((await other.ask('/abs/handler')).said?.user).toBeNull();
    expect((await other.ask(webTicket)).status).toBe(401);
    const metrics = await proxy.metrics();
    expect(metrics.get('ucwa_proxy_bound_connections')).toBe(2);
    expect(metrics.get('ucwa_proxy_invariant_violations_total{invariant="own_connection"}')).toBe(
      0,
    );
  });

  test('is bound only at pools that allow it', async () => {
    const [a, b] = [await startSigningPool(), await startSigningPool()];
    const proxy = await startProxyFrom(`
pools:
  - { name: a, hosts: [a.example], servers: ['${a.url}'], connectionAuth: bind }
  - { name: b, hosts: [b.example], servers: ['${b.url}'] }
`);
    const client = new SigningClient(proxy.port);
    client.host = 'a.example';
    expect((await client.signIn('alice')).said?.user).toBe('alice');
    client.host = 'b.example';
    expect((await client.signIn('alice')).status).toBe(501);
    expect(b.handshakes).toBe(0);
  });
});

describe('pools share nothing that they taught:', () => {
  test('a 429 of one pool does not delay the same credential at another', async () => {
    const { a, b, client, ask } = await start();
    a.answer = () => Promise.resolve({ status: 429 });
    const headers = { Host: 'a.example' };
    const refused = await client.ask(`${app}/me`, { headers });
    expect(refused.status).toBe(429);
    expect(await ask('b.example', `${app}/me`)).toMatchObject({ pool: 'b' });
    expect([a.heads.length, b.heads.length]).toEqual([1, 1]);
  });

  test('one credential at two pools is two users', async () => {
    const { b, proxy, client, ask } = await start({
      UCWA_PROXY_LIMITS_MAX_QUEUED_CALLS_PER_USER: '2',
    });
    const headers = { Host: 'b.example' };
    expect(await ask('a.example', `${app}/me`)).toMatchObject({ pool: 'a' });
    b.answer = () => new Promise(() => undefined);
    for (const token of ['ben', 'cid']) {
      void client.ask(`${app}/me`, { token, headers }).catch(() => undefined);
    }
    await proxy.untilMetric('ucwa_proxy_outstanding_calls', (calls) => calls === 2);
    // Pool b has not answered the user, so its limit at b is that of the new users of its address.
    expect((await client.ask(`${app}/me`, { headers })).status).toBe(429);
    expect(await ask('a.example', `${app}/me`)).toMatchObject({ pool: 'a' });
  });

  test('an idle user of each pool is counted once', async () => {
    const { proxy, ask } = await start();
    await ask('a.example', `${app}/me`);
    await ask('b.example', `${app}/me`);
    await proxy.untilMetric('ucwa_proxy_users{state="idle"}', (idle) => idle === 2);
    expect((await proxy.metrics()).get('ucwa_proxy_users{state="active"}')).toBe(0);
  });
});

test('limits of the process hold for all pools together', async () => {
  const { a, b, proxy, client } = await start({
    UCWA_PROXY_LIMITS_MAX_QUEUED_CALLS: '2',
    UCWA_PROXY_LIMITS_MAX_QUEUED_CALLS_PER_USER: '2',
  });
  const call = (host: string, token: string) =>
    client.ask(`${app}/me`, { token, headers: { Host: host } });
  // Both users are known to their pools, so that no limit for new users applies.
  for (const [host, token] of [
    ['a.example', 'ann'],
    ['b.example', 'ben'],
    ['b.example', 'cid'],
  ] as const) {
    expect((await call(host, token)).status).toBe(200);
  }
  a.answer = b.answer = () => new Promise(() => undefined);
  for (const [host, token] of [
    ['a.example', 'ann'],
    ['b.example', 'ben'],
  ] as const) {
    void call(host, token).catch(() => undefined);
  }
  await proxy.untilMetric('ucwa_proxy_outstanding_calls', (calls) => calls === 2);
  expect((await call('b.example', 'cid')).status).toBe(503);
});

test('no call to a pool with batching: false is batched', async () => {
  const pool = await startPool();
  const proxy = await startProxyFrom(
    `pools: [{ name: oos, hosts: [oos.example], servers: ['${pool.url}'], batching: false }]`,
    fixed,
  );
  const client = new UcwaClient(proxy.url);
  const headers = { Host: 'oos.example' };
  const answers = await Promise.all([
    client.ask(`${app}/me`, { headers }),
    client.ask(`${app}/people`, { headers }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  const metrics = await proxy.metrics();
  expect(metrics.get('ucwa_proxy_passthrough_total{reason="opt_out"}')).toBe(2);
  expect(metrics.get('ucwa_proxy_upstream_responses_total{kind="batch",code="200"}')).toBe(0);
});
