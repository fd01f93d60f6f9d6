/** Attacks by clients on other proxies (docs/advisories.md), tried on this proxy. */
import { describe, expect, test } from '@jest/globals';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool, type ScriptedPool } from '../support/scripted-pool.ts';
import { app } from '../support/ucwa-client.ts';

const off = { UCWA_PROXY_BATCHING_MODE: 'off' };
const host = 'Host: pool.example\r\n';
const chunked = `POST /a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n`;
const smuggled = `GET /smuggled HTTP/1.1\r\n${host}\r\n`;

async function startBoth(fields = ''): Promise<{ pool: ScriptedPool; proxy: TestProxy }> {
  const pool = await startScriptedPool((_request, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n${fields}Content-Length: 2\r\n\r\nok`);
  });
  return { pool, proxy: await startProxy(pool.url, off) };
}

/** Request lines that reached the pool. */
const linesOf = (pool: ScriptedPool): string[] =>
  pool.requests.map((request) => request.slice(0, request.indexOf(' HTTP/')));

describe('the request does not reach the pool, and its connection closes:', () => {
  test.each([
    ['a head that ends with a stray CR', `GET /a HTTP/1.1\r\n${host}\r\n\rX: `],
    ['a NUL before the request line', `\0GET /a HTTP/1.1\r\n${host}\r\n`],
    ['a control character before the request line', `\x01GET /a HTTP/1.1\r\n${host}\r\n`],
    ['a blank before the request line', ` GET /a HTTP/1.1\r\n${host}\r\n`],
    [
      'a length and chunks in HTTP/1.0',
      `POST /a HTTP/1.0\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      'a length on a line that is folded',
      `GET /a HTTP/1.1\r\nHost: x\r\n Content-Length: 9\r\n\r\n`,
    ],
    [
      'a length that begins the head with a blank',
      `GET /a HTTP/1.1\r\n Content-Length: 9\r\n${host}\r\n`,
    ],
    ['an Expect that is folded', `OPTIONS /a HTTP/1.1\r\n${host}Expect:\r\n 100-continue\r\n\r\n`],
    ['a bare line feed in an extension', `${chunked}2;a\nxx\r\n0\r\n\r\n`],
    ['a bare carriage return in an extension', `${chunked}2;a\rxx\r\n0\r\n\r\n`],
    ['a line end in a quoted extension', `${chunked}1;a="\r\nX\r\n0\r\n\r\n`],
    ['a bare line feed after a chunk', `${chunked}2\r\nab\n0\r\n\r\n`],
    ['two other bytes after a chunk', `${chunked}2\r\nabXX0\r\n\r\n`],
    ['bare line feeds after the last chunk', `${chunked}0\n\n`],
    ['a trailer without a colon', `${chunked}0\r\nX\r\n\r\n`],
  ])('%s', async (_what, bytes) => {
    const { pool, proxy } = await startBoth();
    const client = new RawClient(proxy.port);
    client.send(bytes + smuggled);
    expect(await client.readAll()).not.toMatch(/HTTP\/1\.1 2/);
    expect(linesOf(pool)).toEqual([]);
  });

  test.each([
    ['an extension of a chunk', '1;', 'a'],
    ['a trailer', '0\r\nX: ', 'a'],
    ['trailers', '0\r\n', 'A: b\r\n'],
  ])('%s that never ends', async (_what, before, again) => {
    const { pool, proxy } = await startBoth();
    const client = new RawClient(proxy.port);
    client.send(chunked + before);
    // Bounded, so that a proxy that reads on makes the test fail.
    for (let sent = 0; sent < 256; sent += 1) client.send(again.repeat(1024 / again.length));
    expect(await client.readAll()).not.toMatch(/HTTP\/1\.1 2/);
    expect(linesOf(pool)).toEqual([]);
  });
});

describe.each([
  ['websocket', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'],
  ['h2c', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'],
  ['TLS/1.0', 'Connection: Upgrade\r\nUpgrade: TLS/1.0, HTTP/1.1\r\n'],
])('a request to change to %s opens no tunnel:', (_protocol, upgrade) => {
  const get = `GET /a HTTP/1.1\r\n${host}${upgrade}\r\n`;

  test('the next request is checked like any other', async () => {
    const { pool, proxy } = await startBoth(upgrade);
    const client = new RawClient(proxy.port);
    client.send(`${get}GET /b HTTP/1.1\r\n${host}${host}\r\n`);
    const answers = await client.readAll();
    // The second request may get an answer or not.
    expect(answers.match(/HTTP\/1\.1 \d+/g)?.join()).toMatch(
      /^HTTP\/1\.1 200(?:,HTTP\/1\.1 400)?$/,
    );
    expect(answers).not.toMatch(/^Upgrade:/im);
    expect(linesOf(pool)).toEqual(['GET /a']);
    expect(pool.requests.join('')).not.toMatch(/upgrade/i);
  });

  test('the body of the next request is not read as a request', async () => {
    const { pool, proxy } = await startBoth();
    const client = new RawClient(proxy.port);
    const body = smuggled.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');
    const fields = `Content-Length: ${body.length}\r\nConnection: close\r\n`;
    client.send(`${get}POST /b HTTP/1.1\r\n${host}${fields}\r\n`);
    expect((await client.readAnswer()).status).toBe(200);
    client.send(body);
    await client.readAll();
    expect(linesOf(pool)).not.toContain('GET /smuggled');
  });

  test('its own body is not read as a request', async () => {
    const { pool, proxy } = await startBoth();
    const client = new RawClient(proxy.port);
    client.send(
      `POST /a HTTP/1.1\r\n${host}${upgrade}Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
    );
    expect((await client.readAnswer()).status).toBe(200);
    expect(linesOf(pool)).toEqual(['POST /a']);
    expect(pool.requests[0]?.endsWith(`\r\n\r\n${smuggled}`)).toBe(true);
  });
});

test.each([
  ['passed through', '/a', ''],
  ['alone', `${app}/me/note`, 'Authorization: Bearer cwt=sim-ann\r\n'],
])('a body that ends early takes nothing of the next request: a call %s', async (_, target, by) => {
  const { pool, proxy } = await startBoth();
  const post = new RawClient(proxy.port);
  post.send(`POST ${target} HTTP/1.1\r\n${host}${by}Content-Length: 500\r\n\r\nshort`);
  post.halfClose();
  await post.readAll();
  const get = new RawClient(proxy.port);
  get.send(`GET /next HTTP/1.1\r\n${host}\r\n`);
  expect((await get.readAnswer()).status).toBe(200);
  expect(linesOf(pool)).toEqual(['GET /next']);
});

test.each([
  ['passed through', '/a'],
  ['alone', `${app}/me/note`],
])('a call %s has one Content-Length, however its client spells it', async (_way, target) => {
  const { pool, proxy } = await startBoth();
  const client = new RawClient(proxy.port);
  client.send(
    `POST ${target} HTTP/1.1\r\n${host}Authorization: Bearer cwt=sim-ann\r\n` +
      'Content-Type: application/json\r\ncontent-LENGTH: 2\r\n\r\n{}',
  );
  expect((await client.readAnswer()).status).toBe(200);
  expect(pool.requests[0]?.match(/^(?:content-length|transfer-encoding):.*$/gim)).toEqual([
    expect.stringMatching(/^content-length: 2\r?$/i),
  ]);
  expect(pool.requests[0]?.endsWith('\r\n\r\n{}')).toBe(true);
});

test.each([
  ['passed through', '/a'],
  ['alone', `${app}/me`],
])("a client's Connection removes no field of the proxy: a call %s", async (_way, target) => {
  const { pool, proxy } = await startBoth();
  const client = new RawClient(proxy.port);
  client.send(
    `GET ${target} HTTP/1.1\r\n${host}Connection: host, via, X-Forwarded-For, X-Mine\r\n` +
      'X-Mine: 1\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n',
  );
  expect((await client.readAnswer()).status).toBe(200);
  const [request = ''] = pool.requests;
  expect(request).toMatch(/^Host: 127\.0\.0\.1:\d+\r$/im);
  expect(request).toMatch(/^Via: 1\.1 ucwa-batch-proxy\r$/im);
  expect(request).not.toMatch(/x-mine|6\.6\.6\.6/i);
});
