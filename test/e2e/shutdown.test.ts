import { expect, test } from '@jest/globals';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';
import { deafPort } from '../support/deaf-port.ts';
import { readAdmin } from '../support/metric-values.ts';
import { app, notes, UcwaClient } from '../support/ucwa-client.ts';

test('held calls are sent at once, calls in flight are answered, and every answer closes its connection', async () => {
  const pool = await startPool({ latency: 50 });
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'fixed',
    UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
  });
  const calls = new UcwaClient(proxy.url).askAll(notes(3));
  await proxy.untilMetric('ucwa_proxy_held_calls', (value) => value === 3);
  const stopped = proxy.stop();
  const answers = await calls;
  expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
  expect(answers.map((answer) => answer.headers.connection)).toEqual(['close', 'close', 'close']);
  await stopped;
  expect(pool.stats().batches).toBe(1);
});

test('during the drain delay, readiness is off, calls are still accepted, and answers have Connection: close', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, { UCWA_PROXY_DRAIN_DELAY_MS: '400' });
  expect((await readAdmin(proxy.ports.admin, '/readyz')).status).toBe(200);
  const stopped = proxy.stop();
  const ready = await readAdmin(proxy.ports.admin, '/readyz?verbose');
  expect([ready.status, ready.body]).toEqual([
    503,
    '[-]serving\n[-]pool: not checked yet\nnot ready\n',
  ]);
  expect((await readAdmin(proxy.ports.admin, '/livez')).status).toBe(200);
  const client = new UcwaClient(proxy.url);
  for (const target of [`${app}/me`, '/autodiscover/autodiscoverservice.svc/root']) {
    const answer = await client.ask(target);
    expect(answer.status).toBe(200);
    expect(answer.headers.connection).toBe('close');
  }
  await stopped;
  await expect(client.ask(`${app}/me`)).rejects.toThrow(/ECONNREFUSED/);
});

test('an idle connection is closed after a second, and serves calls that come before', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, { UCWA_PROXY_BATCHING_MODE: 'off' });
  const get = `GET ${app}/me HTTP/1.1\r\nHost: p\r\nAuthorization: Bearer cwt=sim-ann\r\n\r\n`;
  const [silent, asking] = [new RawClient(proxy.port), new RawClient(proxy.port)];
  for (const client of [silent, asking]) {
    client.send(get);
    await client.readAnswer();
  }
  const stoppedAt = performance.now();
  const stopped = proxy.stop();
  expect((await readAdmin(proxy.ports.admin, '/readyz')).status).toBe(503);
  asking.send(get);
  expect((await asking.readAnswer()).status).toBe(200);
  await asking.closed;
  await silent.closed;
  expect(performance.now() - stoppedAt).toBeGreaterThan(900);
  await stopped;
});

test('a connection is idle after a passed-through call too, and is closed', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url);
  const client = new RawClient(proxy.port);
  for (const target of ['/other', `${app}/events`, '/other']) {
    client.send(`DELETE ${target} HTTP/1.1\r\nHost: p\r\n\r\n`);
    const { head } = await client.readAnswer();
    expect(head).not.toMatch(/connection: close/i);
  }
  const stopped = proxy.stop();
  await client.closed;
  await stopped;
});

test('a connection with an answer that began before the shutdown is closed a second after the end of the answer', async () => {
  const body = 'x'.repeat(100);
  let finish: () => void = () => undefined;
  const pool = await startScriptedPool((_request, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n${body.slice(0, 50)}`);
    finish = () => socket.write(body.slice(50));
  });
  const proxy = await startProxy(pool.url, { UCWA_PROXY_BATCHING_MODE: 'off' });
  const client = new RawClient(proxy.port);
  client.send(`GET ${app}/me HTTP/1.1\r\nHost: p\r\nAuthorization: Bearer cwt=sim-ann\r\n\r\n`);
  await client.untilReceived(1);
  const stopped = proxy.stop();
  await expect(readAdmin(proxy.ports.admin, '/readyz')).resolves.toMatchObject({ status: 503 });
  finish();
  const endedAt = performance.now();
  expect((await client.readAnswer()).head).toContain('Connection: keep-alive');
  await client.closed;
  await stopped;
  expect(performance.now() - endedAt).toBeLessThan(5000);
});

test('polls end with 503, spread over the first half of the drain timeout', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, { UCWA_PROXY_DRAIN_TIMEOUT_MS: '1000' });
  const client = new UcwaClient(proxy.url);
  const startedAt = performance.now();
  const endedAt: number[] = [];
  const polls = Array.from({ length: 10 }, (_, i) =>
    client.ask(`${app.replace('1045', String(2000 + i))}/events?ack=1`).then((answer) => {
      endedAt.push(performance.now() - startedAt);
      return answer.status;
    }),
  );
  await proxy.untilMetric('ucwa_proxy_long_polls', (value) => value === 10);
  await proxy.stop();
  expect(await Promise.all(polls)).toEqual(Array(10).fill(503));
  const spread = (endedAt.at(-1) ?? 0) - (endedAt[0] ?? 0);
  expect(spread).toBeGreaterThan(100);
  expect(pool.stats().parkedPolls).toBe(0);
});

test('at the drain timeout unsent calls get 503, and sent calls get 504', async () => {
  const pool = await startPool();
  pool.faults.add({ on: { kind: 'single' }, times: Infinity, fault: { kind: 'hang' } });
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'off',
    UCWA_PROXY_UPSTREAM_MAX_CONNECTIONS: '1',
    UCWA_PROXY_DRAIN_TIMEOUT_MS: '200',
  });
  const calls = new UcwaClient(proxy.url).askAll(notes(3));
  await proxy.untilMetric('ucwa_proxy_held_calls', (value) => value === 2);
  await proxy.stop();
  const answers = await calls;
  expect(answers.map((answer) => answer.status).sort()).toEqual([503, 503, 504]);
});

test('a second signal ends the shutdown at once, and a sent call gets 504', async () => {
  const pool = await startPool();
  pool.faults.add({ on: { kind: 'single' }, fault: { kind: 'hang' } });
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'off',
    UCWA_PROXY_DRAIN_DELAY_MS: '60000',
  });
  const call = new UcwaClient(proxy.url).ask(`${app}/me`);
  await proxy.untilMetric('ucwa_proxy_outstanding_calls', () => pool.stats().requests === 1);
  void proxy.stop();
  await proxy.abort();
  expect((await call).status).toBe(504);
});

test('at a second signal, held calls are not sent any more, and get 503', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'fixed',
    UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
    UCWA_PROXY_DRAIN_DELAY_MS: '60000',
  });
  const calls = new UcwaClient(proxy.url).askAll(notes(3));
  await proxy.untilMetric('ucwa_proxy_held_calls', (value) => value === 3);
  void proxy.stop();
  await proxy.abort();
  for (const { status, text } of await calls) {
    expect([status, JSON.parse(text)]).toEqual([503, expect.objectContaining({ executed: 'no' })]);
  }
  expect(pool.stats()).toMatchObject({ batches: 0, singles: 0 });
});

test('at a second signal, calls that wait for a connection to the pool get 503: they did not run', async () => {
  const proxy = await startProxy(`http://127.0.0.1:${await deafPort()}`, {
    UCWA_PROXY_BATCHING_MODE: 'fixed',
    UCWA_PROXY_UPSTREAM_CONNECT_TIMEOUT_MS: '60000',
    UCWA_PROXY_DRAIN_DELAY_MS: '60000',
  });
  const client = new UcwaClient(proxy.url);
  const passed = client.ask('/autodiscover/autodiscoverservice.svc/root');
  await proxy.untilMetric('ucwa_proxy_connections{side="client"}', (open) => open === 1);
  const calls = client.askAll(notes(3));
  await proxy.untilMetric('ucwa_proxy_batch_parts_count', (value) => value === 1);
  void proxy.stop();
  await proxy.abort();
  for (const { status, text } of [...(await calls), await passed]) {
    expect([status, JSON.parse(text)]).toEqual([503, expect.objectContaining({ executed: 'no' })]);
  }
});

test('at a second signal, calls that wait for others to free a connection get 503: they did not run', async () => {
  const pool = await startPool();
  pool.faults.add({ on: {}, times: Infinity, fault: { kind: 'hang' } });
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'fixed',
    UCWA_PROXY_UPSTREAM_MAX_CONNECTIONS: '1',
    UCWA_PROXY_DRAIN_DELAY_MS: '60000',
  });
  const first = new UcwaClient(proxy.url).ask(`${app}/me`);
  await proxy.untilMetric('ucwa_proxy_outstanding_calls', () => pool.stats().requests === 1);
  const calls = ['bob', 'cyd'].flatMap((user) =>
    notes(3).map((target) => new UcwaClient(proxy.url).ask(target, { token: `cwt=sim-${user}` })),
  );
  await proxy.untilMetric('ucwa_proxy_held_calls', (held) => held === 6);
  void proxy.stop();
  await proxy.abort();
  expect((await first).status).toBe(504);
  for (const { status, text } of await Promise.all(calls)) {
    expect([status, JSON.parse(text)]).toEqual([503, expect.objectContaining({ executed: 'no' })]);
  }
});
