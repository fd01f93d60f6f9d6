/** Promises under hostile input. A review once found each of them broken. */
import { describe, expect, test } from '@jest/globals';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';
import { app, UcwaClient } from '../support/ucwa-client.ts';

const off = { UCWA_PROXY_BATCHING_MODE: 'off' };
const host = 'Host: pool.example\r\n';
const credential = 'Authorization: Bearer cwt=sim-ann\r\n';
const get = (path: string): string => `GET ${app}/${path} HTTP/1.1\r\n${host}${credential}\r\n`;
const post = (path: string, body: string): string =>
  `POST ${app}/${path} HTTP/1.1\r\n${host}${credential}Content-Type: application/json\r\n` +
  `Content-Length: ${body.length}\r\n\r\n${body}`;

test('a call on a fresh connection during shutdown is answered, however long it takes', async () => {
  const pool = await startPool();
  pool.faults.add({ on: { kind: 'single' }, fault: { kind: 'delay', ms: 1500 } });
  const proxy = await startProxy(pool.url, off);
  const client = new RawClient(proxy.port);
  await proxy.untilMetric('ucwa_proxy_connections{side="client"}', (value) => value > 0);
  const stopped = proxy.stop();
  client.send(get('me'));
  expect((await client.readAnswer()).status).toBe(200);
  await stopped;
});

test('a client that keeps its connection open does not delay a shutdown', async () => {
  const pool = await startPool();
  pool.faults.add({
    on: { kind: 'single' },
    fault: { kind: 'chunks', sizes: [20, 100_000], pauseMs: 300 },
  });
  const proxy = await startProxy(pool.url, { ...off, UCWA_PROXY_DRAIN_TIMEOUT_MS: '30000' });
  const client = new RawClient(proxy.port);
  client.send(get('me'));
  await proxy.untilMetric(
    'ucwa_proxy_upstream_responses_total{kind="single",code="200"}',
    (value) => value === 1,
  );
  const startedAt = performance.now();
  await proxy.stop();
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});

test('when a client that pipelines leaves, each of its calls ends, and unsent calls stay unsent', async () => {
  const pool = await startPool();
  pool.faults.add({ on: { kind: 'single' }, times: 1, fault: { kind: 'hang' } });
  const proxy = await startProxy(pool.url, {
    ...off,
    UCWA_PROXY_UPSTREAM_MAX_CONNECTIONS: '1',
  });
  const client = new RawClient(proxy.port);
  client.send(get('me') + get('me/note') + get('policies'));
  await proxy.untilMetric('ucwa_proxy_held_calls', (value) => value === 2);
  client.leave();
  await proxy.untilMetric('ucwa_proxy_held_calls', (value) => value === 0);
  await proxy.untilMetric('ucwa_proxy_outstanding_calls', (value) => value === 0);
  const metrics = await proxy.metrics();
  expect(metrics.get('ucwa_proxy_client_aborts_total{stage="sent"}')).toBe(1);
  expect(metrics.get('ucwa_proxy_client_aborts_total{stage="held"}')).toBe(2);
  expect(pool.stats().requests).toBe(1);
});

describe('an unbatched call gets the answer of the pool', () => {
  test.each([
    [
      'a 304 with a length',
      'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 50\r\n\r\n',
      304,
    ],
    ['a phrase beyond ASCII', 'HTTP/1.1 200 Gr\xf6\xdfe\r\nContent-Length: 0\r\n\r\n', 200],
    [
      'a file name beyond ASCII',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Disposition: attachment; filename=\xe9\r\n\r\nx',
      200,
    ],
  ])('that has %s', async (_what, answer, status) => {
    const pool = await startScriptedPool((_request, socket) => {
      socket.write(Buffer.from(answer, 'latin1'));
    });
    const proxy = await startProxy(pool.url, off);
    const client = new RawClient(proxy.port);
    client.send(get('me'));
    const got = await client.readAnswer();
    expect(got.status).toBe(status);
    expect(got.head.includes('filename=\xe9')).toBe(answer.includes('filename=\xe9'));
  });
});

test('a caller that reads nothing of its answer is cut off, and its connection to the pool becomes free', async () => {
  const pool = await startPool();
  pool.faults.add({
    on: { kind: 'single', user: 'ann' },
    fault: { kind: 'status', status: 200, body: Buffer.alloc(40_000_000) },
  });
  const proxy = await startProxy(pool.url, {
    ...off,
    UCWA_PROXY_UPSTREAM_TIMEOUT_MS: '2000',
    UCWA_PROXY_UPSTREAM_MAX_CONNECTIONS: '1',
  });
  const stalled = new RawClient(proxy.port);
  stalled.pause();
  stalled.send(get('me'));
  await proxy.untilMetric(
    'ucwa_proxy_upstream_responses_total{kind="single",code="200"}',
    (value) => value === 1,
  );
  await proxy.untilMetric('ucwa_proxy_outstanding_calls', (value) => value === 0);
  const other = app.replace('1045', '1046');
  const answer = await new UcwaClient(proxy.url).ask(`${other}/me`, { token: 'cwt=sim-bob' });
  expect(answer.status).toBe(200);
});

test.each([
  ['garbage', 'GARBAGE\r\n\r\n'],
  ['CONNECT', `CONNECT a:1 HTTP/1.1\r\n${host}\r\n`],
])('%s after a call does not become its answer', async (_what, bytes) => {
  const pool = await startPool();
  pool.faults.add({ on: { kind: 'single' }, fault: { kind: 'delay', ms: 100 } });
  const proxy = await startProxy(pool.url, off);
  const client = new RawClient(proxy.port);
  client.send(post('me/note', '{"message":"x"}') + bytes);
  expect(await client.readAll()).toBe('');
});

test('a client that leaves in the middle of its body or its answer disturbs no other client', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, off);
  const body = new RawClient(proxy.port);
  body.send(post('me/note', '{"message":"x"}').slice(0, -4));
  await proxy.untilMetric('ucwa_proxy_connections{side="client"}', (value) => value > 0);
  body.leave();

  pool.faults.add({
    on: { kind: 'single' },
    fault: [
      { kind: 'status', status: 200, body: Buffer.alloc(4_000_000) },
      { kind: 'chunks', sizes: [20_000] },
    ],
  });
  const answer = new RawClient(proxy.port);
  answer.send(get('me'));
  await answer.untilReceived(100_000);
  answer.leave();
  await proxy.untilMetric('ucwa_proxy_outstanding_calls', (value) => value === 0);
  expect((await new UcwaClient(proxy.url).ask(`${app}/me/note`)).status).toBe(200);
  expect(proxy.log.join('')).not.toContain('internal error');
});

test('a request that follows a refused one on its connection is never executed', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, off);
  for (const refused of [
    `GET /a#b HTTP/1.1\r\n${host}\r\n`,
    `POST /a HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  ]) {
    const client = new RawClient(proxy.port);
    client.send(refused + post('me/note', '{"message":"x"}') + get('me'));
    expect((await client.readAll()).match(/^HTTP/gm)).toHaveLength(1);
  }
  expect(pool.stats().requests).toBe(0);
});

test('a client cannot hide a field of the batch key by naming the field in Connection', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, off);
  const client = new RawClient(proxy.port);
  client.send(`GET ${app}/me HTTP/1.1\r\n${host}${credential}Connection: Authorization\r\n\r\n`);
  expect((await client.readAnswer()).status).toBe(401);
  expect((await proxy.metrics()).get('ucwa_proxy_passthrough_total{reason="headers"}')).toBe(1);
});

test('answers with thousands of fields pass through complete', async () => {
  const fields = Array.from({ length: 1500 }, (_, i) => `A${i}: b\r\n`).join('');
  const pool = await startScriptedPool((_request, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n${fields}X-Last: here\r\nContent-Length: 2\r\n\r\nok`);
  });
  const proxy = await startProxy(pool.url);
  const client = new RawClient(proxy.port);
  client.send(`GET /x HTTP/1.1\r\n${host}\r\n`);
  const { head } = await client.readAnswer();
  expect(head).toContain('X-Last: here');
});
