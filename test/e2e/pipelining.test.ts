/** Pipelined requests: a limited number is in flight, and the order of answers is kept. */
import { expect, test } from '@jest/globals';
import { call } from '../support/crowd.ts';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const passing = 'ucwa_proxy_passthrough_total{reason="outside"}';

test('of 3,000 pipelined requests 32 are in flight, the others wait, and all are answered in order', async () => {
  let answer: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (answer = resolve));
  const pool = await startScriptedPool((request, socket) => {
    const name = /^GET (\S+)/.exec(request)?.[1] ?? '';
    const body = `HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`;
    void opened.then(() => socket.write(body));
  });
  const proxy = await startProxy(pool.url);
  const client = new RawClient(proxy.port);
  const count = 3000;
  const requests = Array.from({ length: count }, (_, n) => `GET /${n} HTTP/1.1\r\nHost: p\r\n\r\n`);
  client.send(requests.join(''));
  await proxy.untilMetric(passing, (calls) => calls === 32);
  expect(pool.requests.length).toBeLessThanOrEqual(32);
  // Other clients are served in the meantime, from another address or the same.
  answer();
  for (let n = 0; n < count; n += 1) {
    expect((await client.readAnswer()).body.toString()).toBe(`/${n}`);
  }
  expect((await proxy.metrics()).get(passing)).toBe(count);
});

test('pipelined writes that pass through reach the pool one after another', async () => {
  const pool = await startScriptedPool((_request, socket) => {
    setImmediate(() => setImmediate(() => socket.write(ok)));
  });
  const proxy = await startProxy(pool.url);
  const client = new RawClient(proxy.port);
  const count = 20;
  for (let n = 0; n < count; n += 1) {
    client.send(`POST /${n} HTTP/1.1\r\nHost: p\r\nContent-Length: 1\r\n\r\nx`);
  }
  for (let n = 0; n < count; n += 1) expect((await client.readAnswer()).status).toBe(200);
  const targets = pool.requests.map((request) => request.slice(0, request.indexOf(' HTTP')));
  expect(targets).toEqual(Array.from({ length: count }, (_, n) => `POST /${n}`));
});

test('requests that wait for their turn are dropped with their connection', async () => {
  const pool = await startScriptedPool(() => undefined);
  const proxy = await startProxy(pool.url);
  const client = new RawClient(proxy.port);
  for (let n = 0; n < 100; n += 1) client.send(`GET /${n} HTTP/1.1\r\nHost: p\r\n\r\n`);
  await proxy.untilMetric(passing, (calls) => calls === 32);
  client.leave();
  await proxy.untilMetric('ucwa_proxy_connections{side="client"}', (open) => open === 0);
  expect((await proxy.metrics()).get(passing)).toBe(32);
});

test('of 100 pipelined batchable calls each gets its answer, also those that wait for earlier ones', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url);
  const client = new RawClient(proxy.port);
  // Each call is a part of its own, so that its answer is written from inside of the engine.
  const reads = Array.from({ length: 100 }, (_, n) => call('cwt=sim-ann', `me?n=${n}`));
  client.send(reads.join(''));
  for (let n = 0; n < 100; n += 1) expect((await client.readAnswer()).status).toBe(200);
  const metrics = await proxy.metrics();
  expect(metrics.get('ucwa_proxy_invariant_violations_total{invariant="keeps_running"}')).toBe(0);
});
