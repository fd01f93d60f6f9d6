/** The second listener, `listen.plain`: it redirects to https, or passes requests to plain servers. */
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { startProxyFrom, type TestProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool, type ScriptedPool } from '../support/scripted-pool.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const file = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));
const tls = {
  UCWA_PROXY_LISTEN_TLS_CERT: file('server.pem'),
  UCWA_PROXY_LISTEN_TLS_KEY: file('server.key'),
};

/** Starts a proxy with a plain listener. `pools` has further settings of its pool, as YAML. */
async function start(
  env: Readonly<Record<string, string>> = {},
  pools = '',
): Promise<{ pool: ScriptedPool; proxy: TestProxy; plainPort: number }> {
  const pool = await startScriptedPool((_, socket) => void socket.write(ok));
  const file = `pools: [{ name: a, servers: ['${pool.url}'], ${pools} }]`;
  const proxy = await startProxyFrom(file, { UCWA_PROXY_LISTEN_PLAIN: '127.0.0.1:0', ...env });
  return { pool, proxy, plainPort: proxy.ports.plain ?? 0 };
}

const get = (target: string, fields = 'Host: pool.example:8080'): string =>
  `GET ${target} HTTP/1.1\r\n${fields}\r\n\r\n`;

const locationIn = (head: string): string | undefined => /^location: (.*)$/im.exec(head)?.[1];

async function ask(port: number, bytes: string): Promise<{ status: number; head: string }> {
  const client = new RawClient(port);
  client.send(bytes);
  const answer = await client.readAnswer();
  client.leave();
  return answer;
}

test('a request is redirected to the port of the TLS listener, and nothing reaches the pool', async () => {
  const { pool, proxy, plainPort } = await start(tls);
  const { status, head } = await ask(plainPort, get('/a?b=c'));
  expect(status).toBe(301);
  expect(locationIn(head)).toBe(`https://pool.example:${proxy.port}/a?b=c`);
  expect(head).toContain('Cache-Control: no-store');
  expect(pool.requests).toEqual([]);
  await proxy.untilMetric('ucwa_proxy_calls_total{via="refused",code="other"}', (n) => n === 1);
});

test('a connection stays open for more redirects', async () => {
  const { plainPort } = await start(tls);
  const client = new RawClient(plainPort);
  for (const target of ['/a', '/b']) {
    client.send(get(target, 'Host: pool.example'));
    expect(locationIn((await client.readAnswer()).head)).toBe(`https://pool.example${target}`);
  }
});

test('a POST keeps its method, and its body is not read', async () => {
  const { plainPort } = await start(tls);
  const client = new RawClient(plainPort);
  client.send('POST /a HTTP/1.1\r\nHost: pool.example\r\nContent-Length: 1000000\r\n\r\nhalf');
  const { status, head } = await client.readAnswer();
  expect(status).toBe(308);
  expect(head).toContain('Connection: close');
  await client.closed;
});

test.each([
  ['a target that begins with two slashes', get('//evil.example/a'), 'pool.example'],
  [
    'an X-Forwarded-Host',
    get('/', 'Host: pool.example\r\nX-Forwarded-Host: evil.example'),
    'pool.example',
  ],
  ['a Forwarded', get('/', 'Host: pool.example\r\nForwarded: host=evil.example'), 'pool.example'],
  [
    'an absolute target of the same host',
    get('http://pool.example/a', 'Host: pool.example'),
    'pool.example',
  ],
])('%s leads to no other site', async (_, bytes, host) => {
  const { plainPort } = await start({});
  const { status, head } = await ask(plainPort, bytes);
  expect(status).toBe(301);
  expect(new URL(locationIn(head) ?? '').host).toBe(host);
});

test.each([
  ['an absolute target of another host', get('http://evil.example/', 'Host: pool.example'), 421],
  ['a Host with a user', get('/', 'Host: pool.example@evil.example'), 400],
  ['a Host with a path', get('/', 'Host: evil.example/pool.example'), 400],
  ['a Host with a backslash', get('/', 'Host: evil.example\\pool.example'), 400],
  ['a Host with a line end in a triplet', get('/', 'Host: a%0d%0aLocation:b'), 400],
  ['two Hosts', get('/', 'Host: pool.example\r\nHost: evil.example'), 400],
  ['no Host', 'GET / HTTP/1.0\r\n\r\n', 400],
  ['an address that a URL writes in another way', get('/', 'Host: 0x7f.1'), 400],
  ['an asterisk', 'OPTIONS * HTTP/1.1\r\nHost: pool.example\r\n\r\n', 400],
  ['CONNECT', 'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n', 501],
  ['a backslash in the target', get('/\\evil.example'), 400],
])('%s is refused', async (_, bytes, status) => {
  const { plainPort } = await start();
  const answer = await ask(plainPort, bytes);
  expect(answer.status).toBe(status);
  expect(locationIn(answer.head)).toBeUndefined();
});

test('a name that is not configured gets 421', async () => {
  const { proxy, plainPort } = await start(tls, 'hosts: [pool.example]');
  expect((await ask(plainPort, get('/', 'Host: POOL.example:80'))).status).toBe(301);
  expect((await ask(plainPort, get('/', 'Host: evil.example'))).status).toBe(421);
  await proxy.untilMetric('ucwa_proxy_refused_total{reason="unknown_host"}', (n) => n === 1);
});

test('both listeners share the limit of connections', async () => {
  const { proxy, plainPort } = await start({ UCWA_PROXY_LIMITS_MAX_CONNECTIONS: '4' });
  const clients = [proxy.port, plainPort].map((port) => new RawClient(port));
  for (const client of clients) {
    client.send(get('/'));
    await client.readAnswer();
  }
  // One address has half of the connections.
  const third = new RawClient(plainPort);
  expect(await third.readAll()).toBe('');
  await proxy.untilMetric('ucwa_proxy_connections{side="client"}', (n) => n === 2);
});

test('a silent client, and a body that stops, get 408 here too', async () => {
  const { plainPort } = await start({
    UCWA_PROXY_LISTEN_HEADERS_TIMEOUT_MS: '300',
    UCWA_PROXY_LISTEN_REQUEST_TIMEOUT_MS: '300',
  });
  expect(await new RawClient(plainPort).readAll()).toMatch(/^HTTP\/1.1 408 /);
  const half = new RawClient(plainPort);
  half.send('GET / HTTP');
  expect(await half.readAll()).toMatch(/^HTTP\/1.1 408 /);
});

test('a shutdown closes the plain listener', async () => {
  const { proxy, plainPort } = await start(tls);
  const client = new RawClient(plainPort);
  await client.connected;
  await proxy.stop();
  await client.closed;
  const later = new RawClient(plainPort);
  expect(await later.readAll()).toBe('');
});

test('with plain servers, requests pass through to them, and none is batched', async () => {
  const answered: string[] = [];
  const servers = await Promise.all(
    ['one', 'two'].map((name) =>
      startScriptedPool((_, socket) => {
        answered.push(name);
        socket.write(ok);
      }),
    ),
  );
  const { pool, proxy, plainPort } = await start(
    { UCWA_PROXY_BATCHING_MODE: 'fixed' },
    `plainServers: ['${servers.map(({ url }) => url).join("', '")}']`,
  );
  const call = get(
    '/ucwa/oauth/v1/applications/1/me',
    'Host: pool.example\r\nAuthorization: Bearer cwt=sim-a',
  );
  for (let client = 0; client < 2; client += 1) {
    const one = new RawClient(plainPort);
    for (let i = 0; i < 2; i += 1) {
      one.send(call);
      expect((await one.readAnswer()).status).toBe(200);
    }
  }
  // All requests of a connection use one server.
  expect(answered).toEqual(['one', 'one', 'two', 'two']);
  expect(pool.requests).toEqual([]);
  const metrics = await proxy.metrics();
  expect(metrics.get('ucwa_proxy_passthrough_total{reason="opt_out"}')).toBe(4);
  expect(metrics.get('ucwa_proxy_batches_total{flush_reason="linger"}')).toBe(0);
});

/** Asks a plain server for a document with one link of each scheme. Returns the links, and both ports. */
async function linksOnPlain(env: Readonly<Record<string, string>>) {
  const body = JSON.stringify({
    _links: {
      self: { href: 'https://pool.example/a' },
      user: { href: 'http://pool.example/b' },
    },
  });
  const server = await startScriptedPool((_, socket) => {
    const fields = `Content-Type: application/json\r\nContent-Length: ${body.length}`;
    socket.write(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n${body}`);
  });
  const { proxy, plainPort } = await start(
    env,
    `hosts: [pool.example, '*'], plainServers: ['${server.url}']`,
  );
  const client = new RawClient(plainPort);
  client.send(get('/', 'Host: proxy.example:8080'));
  const answer = await client.readAnswer();
  const { _links: links } = JSON.parse(answer.body.toString()) as {
    _links: { self: { href: string }; user: { href: string } };
  };
  const kinds = ['discovery', 'left_discovery'].map(
    (kind) => `ucwa_proxy_rewritten_links_total{kind="${kind}"}`,
  );
  const metrics = await proxy.metrics();
  return {
    proxy,
    links: [links.self.href, links.user.href],
    counts: kinds.map((name) => metrics.get(name)),
  };
}

test('an https link in an answer of a plain server leads to the TLS listener', async () => {
  const { proxy, links, counts } = await linksOnPlain(tls);
  expect(links).toEqual([`https://proxy.example:${proxy.port}/a`, 'http://proxy.example:8080/b']);
  expect(counts).toEqual([2, 0]);
});

test('an https link of a plain server stays, and is counted, if the proxy has no TLS listener', async () => {
  const { proxy, links, counts } = await linksOnPlain({});
  expect(links).toEqual(['https://pool.example/a', 'http://proxy.example:8080/b']);
  expect(counts).toEqual([1, 1]);
  expect(proxy.log.filter((line) => line.includes('pools[].hosts'))).toEqual([]);
});

test('both listeners share the limit of polls, and the number of polls counts those of both', async () => {
  const silent = await startScriptedPool(() => undefined);
  const { proxy, plainPort } = await start(
    { UCWA_PROXY_LIMITS_MAX_LONG_POLLS: '1' },
    `plainServers: ['${silent.url}']`,
  );
  const poll = get('/ucwa/oauth/v1/applications/1/events?ack=1', 'Host: pool.example');
  new RawClient(plainPort).send(poll);
  await proxy.untilMetric('ucwa_proxy_long_polls', (n) => n === 1);
  expect((await ask(proxy.port, poll)).status).toBe(503);
  await proxy.untilMetric('ucwa_proxy_refused_total{reason="long_polls"}', (n) => n === 1);
});

test.each([
  ['listen.address', '127.0.0.1:8080'],
  ['admin.address', '127.0.0.1:9464'],
])('listen.plain on the port of %s is an error', (key, address) => {
  const loaded = loadSettings({
    flags: {},
    env: { UCWA_PROXY_LISTEN_PLAIN: address },
    readFile: () => '',
  });
  expect(loaded.ok ? [] : loaded.problems).toEqual([expect.stringContaining(key)]);
});
