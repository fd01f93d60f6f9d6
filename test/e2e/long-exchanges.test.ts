/**
 * Exchanges that last much longer than all timeouts of the proxy but `upstream.passThroughIdleMs`. The timeouts
 * here are short, so that the tests need not wait.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';

const timeoutMs = 200;
const longMs = 10 * timeoutMs;
const answer = (body: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const short = Object.fromEntries(
  [
    'LISTEN_HEADERS_TIMEOUT_MS',
    'LISTEN_REQUEST_TIMEOUT_MS',
    'LISTEN_KEEP_ALIVE_TIMEOUT_MS',
    'UPSTREAM_TIMEOUT_MS',
    'UPSTREAM_IDLE_TIMEOUT_MS',
    'UPSTREAM_CONNECT_TIMEOUT_MS',
  ].map((name) => [`UCWA_PROXY_${name}`, String(timeoutMs)]),
);

/** A pool that answers `/late` after a long time, and other requests at once. */
async function start(): Promise<TestProxy> {
  const pool = await startScriptedPool((request, socket) => {
    const isLate = request.includes('late');
    void delay(isLate ? longMs : 0).then(() => socket.write(answer('ok')));
  });
  return startProxy(pool.url, short);
}

const get = (target: string): string =>
  `GET ${target} HTTP/1.1\r\nHost: p\r\nAuthorization: Bearer cwt=sim-a\r\n\r\n`;
const post = (target: string, body: string): string =>
  get(target)
    .replace('GET', 'POST')
    .replace(/\r\n$/, `Content-Length: ${body.length}\r\n\r\n${body}`);
const application = '/ucwa/oauth/v1/applications/1';

test.each([
  ['a silent answer outside UCWA', get('/late')],
  ['a silent answer to a write outside UCWA', post('/late', 'x')],
  ['a silent answer to a large upload', post('/late', 'x'.repeat(200_000))],
  ['a poll of an idle client', get(`${application}/events?ack=late`)],
  ['a poll with two slashes', get(`/${application}/events?ack=late`)],
])('%s arrives after ten times all other timeouts', async (_, bytes) => {
  const proxy = await start();
  const client = new RawClient(proxy.port);
  const startedAtMs = performance.now();
  client.send(bytes);
  const { status, body } = await client.readAnswer();
  expect([status, body.toString()]).toEqual([200, 'ok']);
  expect(performance.now() - startedAtMs).toBeGreaterThan(longMs - 10);
});

test('a long answer arrives on a connection that already carried other requests', async () => {
  const proxy = await start();
  const client = new RawClient(proxy.port);
  for (const target of [`${application}/me`, '/a', '/late', '/a', '/late']) {
    client.send(get(target));
    expect((await client.readAnswer()).status).toBe(200);
  }
});

test('an answer with long silences between its bytes arrives whole', async () => {
  const pieces = ['a', 'b', 'c'];
  const pool = await startScriptedPool((_, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${pieces.length}\r\n\r\n`);
    void (async () => {
      for (const piece of pieces) {
        await delay(longMs / 2);
        socket.write(piece);
      }
    })();
  });
  const proxy = await startProxy(pool.url, short);
  const client = new RawClient(proxy.port);
  client.send(get('/slow'));
  expect((await client.readAnswer()).body.toString()).toBe('abc');
});

test('a request after a long idle time of the connection to the pool is answered', async () => {
  const proxy = await start();
  for (let i = 0; i < 2; i += 1) {
    const client = new RawClient(proxy.port);
    client.send(get('/a'));
    expect((await client.readAnswer()).status).toBe(200);
    await delay(2 * timeoutMs);
  }
});
