/** The proxy says whether its pool works: in the log, in metrics and on `/readyz?verbose`. */
import { createServer as createHttp } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { freePort } from '../support/free-port.js';
import { readAdmin } from '../support/metric-values.ts';
import {
  again,
  askBothWays,
  errors,
  isOne,
  listen,
  often,
  once,
  pools,
  toldBy,
  unreachable,
  verbose,
} from '../support/pool-health.ts';
import { startPool } from '../support/pool.ts';
import { startProxy, startProxyFrom } from '../support/proxy.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';
import { app, notes, UcwaClient } from '../support/ucwa-client.ts';

describe('a pool that refuses connections', () => {
  test('has one line when the proxy starts, with what to do, and one when it is back', async () => {
    const port = await freePort();
    const proxy = await startProxy(`http://127.0.0.1:${port}`, {}, often);
    await proxy.untilLogged(unreachable);
    for (let n = 0; n < 3; n += 1) await askBothWays(proxy);
    expect(await readAdmin(proxy.ports.admin, '/readyz')).toEqual({ status: 200, body: 'ready\n' });
    expect(await verbose(proxy)).toEqual([
      '[+]serving',
      expect.stringMatching(/^\[-\]pool: connection_refused since 20\d\d-/),
      'ready',
    ]);
    const metrics = await proxy.metrics();
    expect(metrics.get(pools('unreachable'))).toBe(1);
    // A batchable call is sent twice, a passed-through call once.
    expect(metrics.get(errors('connection_refused'))).toBe(9);
    await listen(
      createHttp((_request, response) => void response.end()),
      port,
    );
    await proxy.untilLogged(again);
    expect(await verbose(proxy)).toEqual(['[+]serving', '[+]pool: reachable', 'ready']);
    expect((await proxy.metrics()).get(pools('reachable'))).toBe(1);
    expect(toldBy(proxy)).toEqual([
      expect.objectContaining({
        level: 'warn',
        server: `http://127.0.0.1:${port}`,
        kind: 'connection_refused',
        code: 'ECONNREFUSED',
        advice: expect.stringContaining('check the port'),
      }),
      expect.objectContaining({ level: 'info', kind: 'connection_refused' }),
    ]);
  });

  test('makes the proxy unready with admin.readyNeedsPool, and only until it is back', async () => {
    const port = await freePort();
    const proxy = await startProxy(
      `http://127.0.0.1:${port}`,
      { UCWA_PROXY_ADMIN_READY_NEEDS_POOL: 'true' },
      often,
    );
    const readyz = () => readAdmin(proxy.ports.admin, '/readyz');
    const body = '[+]serving\n[-]pool_reachable\nnot ready\n';
    expect(await readyz()).toEqual({ status: 503, body });
    await proxy.untilLogged(unreachable);
    expect(await readyz()).toEqual({ status: 503, body });
    expect((await readAdmin(proxy.ports.admin, '/livez')).status).toBe(200);
    await listen(createHttp(), port);
    await proxy.untilMetric(pools('reachable'), isOne);
    expect((await readyz()).status).toBe(200);
  });
});

test('a crowd of failed calls has one line, not one for each', async () => {
  const proxy = await startProxy(`http://127.0.0.1:${await freePort()}`, {}, once);
  const client = new UcwaClient(proxy.url);
  await Promise.all(Array.from({ length: 30 }, () => client.ask('/root')));
  expect((await proxy.metrics()).get(errors('connection_refused'))).toBe(30);
  expect(toldBy(proxy)).toHaveLength(1);
});

test('reads of /readyz open no connection to the pool', async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined);
  });
  const proxy = await startProxy(`http://127.0.0.1:${await listen(server)}`, {}, once);
  await proxy.untilMetric(pools('reachable'), isOne);
  for (let n = 0; n < 20; n += 1) await verbose(proxy);
  expect(connections).toBe(1);
});

test('a check sends no byte to a pool without TLS', async () => {
  const received: Buffer[] = [];
  const closed = new Promise<void>((resolve) => {
    const server = createServer((socket) => {
      socket.on('data', (chunk) => received.push(chunk));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
    });
    void listen(server).then((port) => startProxy(`http://127.0.0.1:${port}`, {}, once));
  });
  await closed;
  expect(received).toEqual([]);
});

describe('a pool that takes connections', () => {
  const soon = {
    UCWA_PROXY_UPSTREAM_TIMEOUT_MS: '200',
    UCWA_PROXY_UPSTREAM_PASS_THROUGH_IDLE_MS: '1000',
  };

  test('and does not answer has the kind http_response_timeout', async () => {
    const pool = await startScriptedPool(() => undefined);
    const proxy = await startProxy(pool.url, soon, once);
    await askBothWays(proxy);
    expect((await proxy.metrics()).get(errors('http_response_timeout'))).toBe(2);
    expect((await proxy.metrics()).get(pools('reachable'))).toBe(1);
    expect(toldBy(proxy)).toEqual([
      expect.objectContaining({
        msg: 'requests to the pool fail',
        kind: 'http_response_timeout',
      }),
    ]);
  });

  test('and answers with what is no HTTP has the kind http_protocol_error', async () => {
    const pool = await startScriptedPool(
      (_request, socket) => void socket.end('SIP/2.0 200 OK\r\n'),
    );
    const proxy = await startProxy(pool.url, soon, once);
    await askBothWays(proxy);
    expect((await proxy.metrics()).get(errors('http_protocol_error'))).toBeGreaterThanOrEqual(2);
  });

  test('and works has no errors, even if clients leave and the proxy stops', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url, { UCWA_PROXY_BATCHING_MODE: 'off' }, often);
    const client = new UcwaClient(proxy.url);
    await client.askAll(notes(3));
    pool.faults.add({ on: {}, fault: { kind: 'hang' } });
    const leaver = new AbortController();
    const left = ['/root', `${app}/me`].map((path) => client.ask(path, { signal: leaver.signal }));
    await proxy.untilMetric('ucwa_proxy_outstanding_calls', isOne);
    leaver.abort();
    await Promise.allSettled(left);
    await proxy.untilMetric('ucwa_proxy_outstanding_calls', (calls) => calls === 0);
    const failed = [...(await proxy.metrics())].filter(
      ([series, value]) => series.startsWith('ucwa_proxy_upstream_errors_total') && value > 0,
    );
    expect(failed).toEqual([]);
    await proxy.stop();
    expect(toldBy(proxy)).toEqual([]);
  });
});

test('a stop ends a check that runs, and says nothing about the pool', async () => {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
  });
  const connected = new Promise((resolve) => server.once('connection', resolve));
  // The server accepts the connection, and never answers the handshake.
  const port = await listen(server);
  const proxy = await startProxy(
    `https://localhost:${port}`,
    { UCWA_PROXY_UPSTREAM_CONNECT_TIMEOUT_MS: '60000' },
    once,
  );
  const socket = (await connected) as Socket;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await proxy.abort();
  await closed;
  expect(toldBy(proxy)).toEqual([]);
});

describe('a pool of several servers', () => {
  const file = (servers: readonly string[]): string =>
    `pools: [{ name: one, hosts: ['*'], servers: [${servers.join(', ')}] }]`;

  test('can be reached if one server can', async () => {
    const dead = `http://127.0.0.1:${await freePort()}`;
    const { url } = await startPool();
    const proxy = await startProxyFrom(file([dead, url]), {}, often);
    await proxy.untilMetric(pools('reachable'), isOne);
    expect(await verbose(proxy)).toContain('[+]pool one: reachable');
    expect(toldBy(proxy)).toEqual([]);
  });

  test('cannot be reached if no server can', async () => {
    const dead = [await freePort(), await freePort()].map((port) => `http://127.0.0.1:${port}`);
    const proxy = await startProxyFrom(file(dead), {}, often);
    await proxy.untilLogged(unreachable);
    expect(toldBy(proxy)[0]).toMatchObject({ pool: 'one', server: dead.join(' ') });
  });
});
