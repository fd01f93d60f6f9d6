/** A body that stops is answered with 408, and a body that goes on is not cut off. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool, type ScriptedPool } from '../support/scripted-pool.ts';
import { startByteSink } from '../support/byte-sink.ts';

const timeoutMs = 400;
const application = '/ucwa/oauth/v1/applications/1';
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const slowRequests = 'ucwa_proxy_refused_total{reason="slow_request"}';

const post = (target: string, fields: string, more = ''): string =>
  `POST ${target} HTTP/1.1\r\nHost: p\r\nAuthorization: Bearer cwt=sim-a\r\n${fields}\r\n\r\n${more}`;
const get = `GET ${application}/me HTTP/1.1\r\nHost: p\r\nAuthorization: Bearer cwt=sim-a\r\n\r\n`;

async function start(
  env: Readonly<Record<string, string>> = {},
): Promise<{ pool: ScriptedPool; proxy: TestProxy }> {
  const pool = await startScriptedPool((_, socket) => void socket.write(ok));
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_LISTEN_HEADERS_TIMEOUT_MS: String(timeoutMs),
    UCWA_PROXY_LISTEN_REQUEST_TIMEOUT_MS: String(timeoutMs),
    ...env,
  });
  return { pool, proxy };
}

test.each([
  ['a batchable call', post(`${application}/me/note`, 'Content-Length: 10', 'half')],
  ['a passed-through call', post('/upload', 'Content-Length: 10', 'half')],
  ['a passed-through call in chunks', post('/upload', 'Transfer-Encoding: chunked', '4\r\nhalf')],
  [
    'a request that waits for 100 Continue and then sends nothing',
    post('/a', 'Expect: 100-continue\r\nContent-Length: 10'),
  ],
])('the body of %s stops: 408, and the connection closes', async (_, bytes) => {
  const { pool, proxy } = await start();
  const client = new RawClient(proxy.port);
  client.send(bytes);
  const received = await client.readAll();
  const answer = received.replace('HTTP/1.1 100 Continue\r\n\r\n', '');
  expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  expect(answer).toContain('Connection: close\r\n');
  expect(answer).toContain('"executed":"no"');
  expect(pool.requests).toEqual([]);
  await proxy.untilMetric(slowRequests, (count) => count === 1);
});

test('an upload stops in its middle: the pool sees a closed connection, and the client 408', async () => {
  const { port, received, closed } = await startByteSink();
  const proxy = await startProxy(`http://127.0.0.1:${port}`, {
    UCWA_PROXY_LISTEN_HEADERS_TIMEOUT_MS: String(timeoutMs),
    UCWA_PROXY_LISTEN_REQUEST_TIMEOUT_MS: String(timeoutMs),
  });
  const client = new RawClient(proxy.port);
  client.send(post('/upload', 'Content-Length: 1000000', 'x'.repeat(200_000)));
  const { status, head, body } = await client.readAnswer();
  expect(status).toBe(408);
  expect(head).toContain('Connection: close');
  expect(body.toString()).toContain('"executed":"unknown"');
  await closed;
  expect(received()).toBeGreaterThan(200_000);
  await client.closed;
  await proxy.untilMetric('ucwa_proxy_calls_total{via="passthrough",code="408"}', (n) => n === 1);
});

test('an upload that takes many times the timeout is complete at the pool', async () => {
  const { pool, proxy } = await start();
  const client = new RawClient(proxy.port);
  const piece = 'x'.repeat(70_000);
  client.send(post('/upload', `Content-Length: ${10 * piece.length}`, piece));
  for (let sent = 1; sent < 10; sent += 1) {
    await delay(timeoutMs / 2);
    client.send(piece);
  }
  expect((await client.readAnswer()).status).toBe(200);
  expect(pool.requests[0]).toHaveLength(pool.requests[0]!.indexOf('\r\n\r\n') + 4 + 700_000);
});

test('the client may read the 408 late, while the rest of its body still comes', async () => {
  const { proxy } = await start();
  const client = new RawClient(proxy.port);
  client.pause();
  client.send(post('/upload', 'Content-Length: 1000000', 'half'));
  await proxy.untilMetric(slowRequests, (count) => count === 1);
  client.send('x'.repeat(900_000));
  client.resume();
  expect((await client.readAnswer()).status).toBe(408);
  await client.closed;
});

test('a 408 behind an unanswered request comes after the answer of that request', async () => {
  const answers: Array<() => void> = [];
  const pool = await startScriptedPool((_, socket) => {
    answers.push(() => void socket.write(ok));
  });
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_LISTEN_HEADERS_TIMEOUT_MS: String(timeoutMs),
    UCWA_PROXY_LISTEN_REQUEST_TIMEOUT_MS: String(timeoutMs),
  });
  const client = new RawClient(proxy.port);
  client.send(get + post(`${application}/me/note`, 'Content-Length: 10', 'half'));
  await proxy.untilMetric(slowRequests, (count) => count === 1);
  answers[0]?.();
  expect((await client.readAnswer()).status).toBe(200);
  expect((await client.readAnswer()).status).toBe(408);
  await client.closed;
});

test('a client that never sends the rest of a refused body loses its connection', async () => {
  const { proxy } = await start({
    UCWA_PROXY_LIMITS_MAX_QUEUED_BYTES: '2048',
    UCWA_PROXY_LIMITS_MAX_QUEUED_BYTES_PER_USER: '2048',
  });
  const client = new RawClient(proxy.port);
  client.send(post(`${application}/me/note`, 'Content-Length: 5000', 'x'.repeat(4000)));
  const { status, head } = await client.readAnswer();
  expect(status).toBe(503);
  expect(head).toContain('Connection: keep-alive');
  expect(await client.readAll()).toBe('');
});
