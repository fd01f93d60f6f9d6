import { describe, expect, test } from '@jest/globals';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { app } from '../support/ucwa-client.ts';

const host = 'Host: pool.example\r\n';

describe('what no server should read is refused, closed, and never reaches the pool', () => {
  test.each([
    ['400', 'two Hosts', `GET / HTTP/1.1\r\n${host}${host}\r\n`],
    ['400', 'no Host', 'GET / HTTP/1.1\r\n\r\n'],
    ['400', 'a Host that is none', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'],
    [
      '400',
      'two Authorizations',
      `GET / HTTP/1.1\r\n${host}Authorization: a\r\nAuthorization: b\r\n\r\n`,
    ],
    [
      '501',
      'a coding before chunked',
      `POST / HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      '400',
      'chunked in HTTP/1.0',
      `POST / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['400', 'HTTP/0.9', 'GET /\r\n\r\n'],
    [
      '400',
      'a length and chunks',
      `POST / HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      '400',
      'two lengths',
      `POST / HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
    ],
    ['400', 'a length that is none', `POST / HTTP/1.1\r\n${host}Content-Length: +1\r\n\r\na`],
    ['400', 'a blank before the colon', `GET / HTTP/1.1\r\nHost : pool.example\r\n\r\n`],
    ['400', 'a folded field', `GET / HTTP/1.1\r\n${host}A: b\r\n c\r\n\r\n`],
    ['400', 'a bare line feed in the head', `GET / HTTP/1.1\n${host}\r\n`],
    ['400', 'a NUL in a value', `GET / HTTP/1.1\r\n${host}A: b\0c\r\n\r\n`],
    ['400', 'a fragment', `GET /a#b HTTP/1.1\r\n${host}\r\n`],
    ['400', 'a backslash', `GET /a\\b HTTP/1.1\r\n${host}\r\n`],
    ['421', 'another host in the target', `GET http://evil.example/ HTTP/1.1\r\n${host}\r\n`],
    ['501', 'TRACE', `TRACE / HTTP/1.1\r\n${host}\r\n`],
    ['501', 'CONNECT', `CONNECT pool.example:443 HTTP/1.1\r\n${host}\r\n`],
    ['431', 'too large a head', `GET / HTTP/1.1\r\n${host}A: ${'b'.repeat(17_000)}\r\n\r\n`],
    ['417', 'an expectation', `GET / HTTP/1.1\r\n${host}Expect: miracles\r\n\r\n`],
    ['400', 'no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n'],
  ])('%s for %s', async (status, _what, bytes) => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url);
    const client = new RawClient(proxy.port);
    client.send(bytes);
    const answer = await client.readAll();
    expect(answer.slice(0, 12)).toBe(`HTTP/1.1 ${status}`);
    expect(answer).toMatch(/^connection: close\r$/im);
    expect(answer).toMatch(/^content-type: application\/problem\+json\r$/im);
    expect(pool.stats().requests).toBe(0);
    const refused = [...(await proxy.metrics())].filter(
      ([series, value]) => series.startsWith('ucwa_proxy_refused_total') && value === 1,
    );
    expect(refused).toHaveLength(1);
  });
});

test('a request that hides in the body of a refused one is never seen', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url);
  const client = new RawClient(proxy.port);
  const smuggled = `GET /smuggled HTTP/1.1\r\n${host}\r\n`;
  client.send(
    `POST /a HTTP/1.1\r\n${host}${host}Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
  );
  const answers = (await client.readAll()).match(/^HTTP\/1\.1/gm);
  expect(answers).toHaveLength(1);
  expect(pool.stats().requests).toBe(0);
});

test('pipelined calls are answered in their order', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, { UCWA_PROXY_BATCHING_MODE: 'off' });
  pool.faults.add({ on: { target: `${app}/me` }, fault: { kind: 'delay', ms: 60 } });
  const client = new RawClient(proxy.port);
  const get = (path: string): string =>
    `GET ${app}/${path} HTTP/1.1\r\n${host}Authorization: Bearer cwt=sim-ann\r\n\r\n`;
  client.send(get('me') + get('me/note') + get('policies'));
  const rels: unknown[] = [];
  for (let i = 0; i < 3; i += 1) {
    const { body } = await client.readAnswer();
    rels.push((JSON.parse(body.toString()) as { rel: string }).rel);
  }
  expect(rels).toEqual(['me', 'note', 'policies']);
});

test('Expect: 100-continue is answered by us, and the call goes on', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, { UCWA_PROXY_BATCHING_MODE: 'off' });
  const client = new RawClient(proxy.port);
  client.send(
    `POST ${app}/me/note HTTP/1.1\r\n${host}Authorization: Bearer cwt=sim-ann\r\n` +
      'Expect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n',
  );
  expect((await client.readAnswer()).status).toBe(100);
  client.send('{"message":"hi!"}');
  expect((await client.readAnswer()).status).toBe(204);
  expect(pool.ledger.requests()[0]?.rawHeaders.join()).not.toMatch(/expect/i);
});

test('absolute targets of the host that was asked are served', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, { UCWA_PROXY_BATCHING_MODE: 'off' });
  const client = new RawClient(proxy.port);
  client.send(
    `GET http://pool.example${app}/me HTTP/1.1\r\n${host}Authorization: Bearer cwt=sim-ann\r\n\r\n`,
  );
  expect((await client.readAnswer()).status).toBe(200);
  expect(pool.ledger.requests()[0]?.target).toBe(`${app}/me`);
});

test('slow heads are dropped in time', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, { UCWA_PROXY_LISTEN_HEADERS_TIMEOUT_MS: '200' });
  const client = new RawClient(proxy.port);
  client.send(`GET / HTTP/1.1\r\n${host}A: `);
  expect(await client.readAll()).toMatch(/^HTTP\/1\.1 408/);
  expect((await proxy.metrics()).get('ucwa_proxy_refused_total{reason="slow_request"}')).toBe(1);
});
