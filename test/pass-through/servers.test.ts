/** Calls that are passed through to a pool of several servers. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { PassThroughOptions } from '../../src/pass-through/pass-through.ts';
import { PoolServers } from '../../src/upstream/servers/pool-servers.ts';
import { freePort } from '../support/free-port.js';
import { type Front, RawClient, Rig, ask } from './rig.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const down = 'HTTP/1.1 503 Down\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nno';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.close());

interface Started extends Front {
  readonly pool: PoolServers;
  readonly log: readonly string[];
}

async function front(
  ports: readonly number[],
  options: Partial<PassThroughOptions> = {},
  scheme: 'http' | 'https' = 'http',
): Promise<Started> {
  const log: string[] = [];
  const name = (origin: string): string => `s${ports.indexOf(Number(new URL(origin).port))}`;
  const pool = new PoolServers(
    {
      servers: ports.map((port) => `${scheme}://127.0.0.1:${port}`),
      fallback: [],
      hasChecks: false,
    },
    {
      ejected: (origin, reason) => log.push(`${name(origin)} out: ${reason}`),
      returned: (origin) => log.push(`${name(origin)} back`),
      tierChanged: (tier) => log.push(`tier: ${tier}`),
    },
  );
  rig.onClose(() => pool.stop());
  const upstream = new URL(`${scheme}://127.0.0.1:${ports[0]}`);
  const started = await rig.front(upstream, { servers: pool, ...options });
  return { ...started, pool, log };
}

const get = (path = '/'): string => `GET ${path} HTTP/1.1\r\nHost: p\r\nConnection: close\r\n\r\n`;
const post = (body: string): string =>
  `POST / HTTP/1.1\r\nHost: p\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

async function askOften(count: number, port: number, request: string): Promise<string[]> {
  const answers: string[] = [];
  for (let n = 0; n < count; n += 1) answers.push((await ask(port, request)).slice(9, 12));
  return answers;
}

/** A server that ends each connection at the first request. */
async function resetting(): Promise<{ port: number; requests: () => number }> {
  let requests = 0;
  const { port } = await rig.rawPool((socket) =>
    socket.once('data', () => {
      requests += 1;
      socket.resetAndDestroy();
    }),
  );
  return { port, requests: () => requests };
}

/** A server that reads and does not answer. */
async function silent(): Promise<{ port: number; untilRequest: () => Promise<void> }> {
  let wake: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => (wake = resolve));
  const { port } = await rig.rawPool((socket) => socket.on('data', () => wake()));
  return { port, untilRequest: () => asked };
}

const file = (name: string): Buffer =>
  readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url));
const ca = file('ca.pem');
/** The address of the servers is 127.0.0.1, and the settings name `localhost`. */
const secure = { tls: () => ({ ca, servername: 'localhost' }) };

/** A server with TLS. `names`: the server name that each client asked for. */
async function tlsPool(): Promise<{ port: number; names: unknown[] }> {
  const names: unknown[] = [];
  const server = https.createServer(
    { cert: file('server.pem'), key: file('server.key') },
    (request, response) => {
      names.push((request.socket as TLSSocket & { servername?: unknown }).servername);
      response.end('ok');
    },
  );
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  rig.onClose(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, names };
}

test('calls are spread over the servers', async () => {
  const pools = [await rig.cannedPool(ok), await rig.cannedPool(ok)];
  const { port } = await front(pools.map((pool) => pool.port));
  await askOften(6, port, get());
  expect(pools.map(({ requests }) => requests.length)).toEqual([3, 3]);
});

describe('a server that refuses connections', () => {
  test.each([
    ['a GET', get()],
    ['a POST', post('hello')],
    ['an upload that is larger than the buffers', post('x'.repeat(1_000_000))],
  ])('costs %s nothing', async (_, request) => {
    const pool = await rig.cannedPool(ok);
    const { port, log } = await front([await freePort(), pool.port], { readFirstBytes: 65_536 });
    expect(await askOften(4, port, request)).toEqual(Array(4).fill('200'));
    expect(pool.requests).toHaveLength(4);
    expect(log).toEqual(['s0 out: connect']);
  });

  test('an answer of another server is no evidence for it', async () => {
    const pool = await rig.cannedPool(ok);
    const { port, log, pool: servers } = await front([await freePort(), pool.port]);
    await askOften(2, port, get());
    expect(log).toEqual(['s0 out: connect']);
    expect(servers.set.servers.map(({ calls }) => calls)).toEqual([0, 0]);
  });

  test('if no server takes connections, the call fails as unsent', async () => {
    const { port, told } = await front([await freePort(), await freePort()]);
    expect(await askOften(1, port, post('x'))).toEqual(['503']);
    expect(told[0]!.faults).toEqual([{ phase: 'unsent', name: 'connection_refused' }]);
  });
});

describe('a call that may have run', () => {
  test('a GET moves to another server if its connection ends', async () => {
    const pool = await rig.cannedPool(ok);
    const first = await resetting();
    const { port, told } = await front([first.port, pool.port]);
    expect(await askOften(4, port, get())).toEqual(Array(4).fill('200'));
    expect(first.requests()).toBeGreaterThan(0);
    expect(told.map(({ outcomes }) => outcomes.length)).toEqual([1, 1, 1, 1]);
  });

  test('a GET moves to another server if its server cannot serve requests', async () => {
    const pools = [await rig.cannedPool(down), await rig.cannedPool(ok)];
    const { port, told } = await front(pools.map((pool) => pool.port));
    expect(await askOften(4, port, get())).toEqual(Array(4).fill('200'));
    expect(told.map(({ responded }) => responded)).toEqual(Array(4).fill([200]));
  });

  test('a POST never moves', async () => {
    const resets = await resetting();
    const pools = [await rig.cannedPool(down), await rig.cannedPool(ok)];
    const { port } = await front([resets.port, ...pools.map((pool) => pool.port)]);
    expect(await askOften(3, port, post('x'))).toEqual(['504', '503', '200']);
    expect([resets.requests(), ...pools.map(({ requests }) => requests.length)]).toEqual([1, 1, 1]);
  });
});

test('a poll moves to another server when its server is ejected because it answers nothing', async () => {
  const frozen = await silent();
  const pool = await rig.cannedPool(ok);
  const { port, pool: servers } = await front([frozen.port, pool.port]);
  const poll = ask(port, get('/events'));
  await frozen.untilRequest();
  const [server] = servers.set.servers;
  for (let n = 0; n < 2; n += 1) servers.set.checked(server!, false, true, performance.now());
  expect((await poll).slice(9, 12)).toBe('200');
});

test('a GET moves to another server when its server is ejected before its connection is open', async () => {
  // The kernel accepts the connection, and the handshake of TLS gets no answer.
  const frozen = await silent();
  const pool = await tlsPool();
  const { port, pool: servers, told } = await front([frozen.port, pool.port], secure, 'https');
  const answer = ask(port, get());
  await frozen.untilRequest();
  const [server] = servers.set.servers;
  for (let n = 0; n < 2; n += 1) servers.set.checked(server!, false, true, performance.now());
  expect((await answer).slice(9, 12)).toBe('200');
  expect(told[0]!.faults).toEqual([]);
});

test('tls.servername is the name that the certificate of each server must have', async () => {
  const pools = [await tlsPool(), await tlsPool()];
  const ports = pools.map(({ port }) => port);
  const { port } = await front(ports, secure, 'https');
  expect(await askOften(4, port, get())).toEqual(Array(4).fill('200'));
  expect(pools.map(({ names }) => [...new Set(names)])).toEqual([['localhost'], ['localhost']]);
  const other = await front(ports, { tls: () => ({ ca, servername: 'other.example' }) }, 'https');
  expect(await askOften(1, other.port, get())).toEqual(['503']);
});

test('at the end, no connection is opened any more', async () => {
  const frozen = [await silent(), await silent()];
  const { port, passThrough } = await front(
    frozen.map((one) => one.port),
    { ...secure, connectTimeoutMs: 60_000 },
    'https',
  );
  const asked = ask(port, get());
  await Promise.race(frozen.map((one) => one.untilRequest()));
  await passThrough.stop();
  await asked;
  expect(passThrough.openConnections()).toBe(0);
});

test('all servers together have the limit of the pool', async () => {
  const pools = [await rig.cannedPool(''), await rig.cannedPool('')];
  const { port, passThrough, told } = await front(
    pools.map((pool) => pool.port),
    { maxConnections: 3 },
  );
  const clients = Array.from({ length: 6 }, () => new RawClient(port).send(get()));
  const sent = (): number => pools.reduce((sum, { requests }) => sum + requests.length, 0);
  while (told.length < 6 || sent() < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  expect([sent(), passThrough.openConnections()]).toEqual([3, 3]);
  for (const { sockets } of pools) for (const socket of sockets) socket.write(ok);
  while (sent() < 6) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(passThrough.openConnections()).toBeLessThanOrEqual(4);
  for (const { sockets } of pools) for (const socket of sockets) socket.write(ok);
  for (const client of clients) expect(await client.all()).toContain('200 OK');
});

test('idle connections to a server that is ejected are closed', async () => {
  const pools = [await rig.cannedPool(ok), await rig.cannedPool(ok)];
  const { port, passThrough, pool } = await front(pools.map((p) => p.port));
  await askOften(2, port, get());
  expect(passThrough.openConnections()).toBe(2);
  const [server] = pool.set.servers;
  for (let n = 0; n < 2; n += 1) pool.set.checked(server!, false, true, performance.now());
  while (passThrough.openConnections() > 1) await new Promise((resolve) => setImmediate(resolve));
  expect(pools[0]!.sockets[0]!.destroyed || pools[0]!.sockets[0]!.readableEnded).toBe(true);
});
