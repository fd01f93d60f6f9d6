/** Compression between the pool, the proxy and a phone: bytes, compressed envelopes, own batches, rewritten links. */
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { decoded, field, request } from '../support/coding-client.ts';
import { json, jsonOf, startCodingPool } from '../support/coding-pool.ts';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';
import { app } from '../support/ucwa-client.ts';

const fixed = {
  UCWA_PROXY_BATCHING_MODE: 'fixed',
  UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
  UCWA_PROXY_BATCHING_MAX_PARTS: '2',
};
const contacts = `${app}/people/contacts`;
const long = jsonOf(5000);

describe('a phone receives at most 1.02 times the bytes that a pool sends which compresses by itself', () => {
  /** The bytes of the answers to these calls on one connection. */
  async function receivedBytes(port: number, targets: readonly string[]): Promise<number> {
    const client = new RawClient(port);
    const asked = { accept: 'gzip, deflate', fields: `Host: ${hostOfPool}\r\n` };
    client.send(
      targets.map((target) => request(target, asked).replace('Host: p\r\n', '')).join(''),
    );
    let bytes = 0;
    for (const target of targets) {
      const { status, head, body } = await client.readAnswer();
      expect([target, status]).toEqual([target, 200]);
      bytes += head.length + 4 + body.length;
    }
    return bytes;
  }
  let hostOfPool = '';

  test('when an application starts', async () => {
    const simulator = await startPool();
    hostOfPool = new URL(simulator.url).host;
    const proxy = await startProxy(simulator.url, {
      ...fixed,
      UCWA_PROXY_BATCHING_MAX_PARTS: '20',
      UCWA_PROXY_BATCHING_LINGER_MAX_MS: '50',
    });
    const paths = ['me', 'people', 'communication', 'onlineMeetings', 'me/presence', 'me/note'];
    const more = ['people/contacts', 'people/groups', 'people/presenceSubscriptions', 'me/phones'];
    const rest = ['people/subscribedContacts', 'me/location', 'communication/conversations'];
    const targets = [...paths, ...more, ...rest, 'policies'].map((path) => `${app}/${path}`);
    const direct = await receivedBytes(simulator.port, targets);
    const proxied = await receivedBytes(proxy.port, targets);
    expect(simulator.stats().batches).toBeGreaterThan(0);
    expect(proxied).toBeLessThan(direct * 1.02);
  });

  test('for a contact list of 500, in a batch', async () => {
    const list = jsonOf(250_000);
    const compressing = await startCodingPool(
      (target) => ({ body: target === contacts ? list : '{}' }),
      { codesEnvelope: true },
    );
    hostOfPool = new URL(compressing.url).host;
    const proxy = await startProxy(compressing.url, fixed);
    const proxied = await receivedBytes(proxy.port, [contacts, `${app}/me`]);
    expect(compressing.requests).toHaveLength(1);
    expect(proxied).toBeLessThan(gzipSync(list).length * 1.02 + 500);
  });
});

describe('an envelope that the pool compresses', () => {
  test.each([undefined, 'gzip', 'br'])('is decoded for callers that accept %p', async (accept) => {
    const compressing = await startCodingPool(() => ({ body: long }), { codesEnvelope: true });
    const proxy = await startProxy(compressing.url, fixed);
    const client = new RawClient(proxy.port);
    const asked = accept === undefined ? {} : { accept };
    client.send(request(contacts, asked) + request(`${app}/me`, asked));
    for (let i = 0; i < 2; i += 1) {
      const answer = await client.readAnswer();
      expect(decoded(answer)).toBe(long);
      expect(field(answer, 'content-encoding')).toBe(accept);
    }
    expect(compressing.requests).toHaveLength(1);
    expect(compressing.requests[0]).toMatch(/^Accept-Encoding: gzip\r$/m);
  });

  test('has a compressed error: each caller gets it decoded', async () => {
    const error = gzipSync('{"code":"Forbidden"}');
    const refusing = await startScriptedPool((_, socket) => {
      const head = `HTTP/1.1 403 Forbidden\r\n${json}Content-Encoding: gzip\r\n`;
      socket.write(`${head}Content-Length: ${error.length}\r\n\r\n`);
      socket.write(error);
    });
    const proxy = await startProxy(refusing.url, fixed);
    const client = new RawClient(proxy.port);
    client.send(request(contacts) + request(`${app}/me`));
    for (let i = 0; i < 2; i += 1) {
      const answer = await client.readAnswer();
      expect([answer.status, answer.body.toString()]).toEqual([403, '{"code":"Forbidden"}']);
      expect(field(answer, 'content-encoding')).toBeUndefined();
    }
  });

  test('may have parts with a coding of their own, which stay as they are', async () => {
    const body = gzipSync(long);
    const fields = `${json}Content-Encoding: gzip\r\n`;
    const compressing = await startCodingPool(() => ({ fields, body }), { codesEnvelope: true });
    const proxy = await startProxy(compressing.url, fixed);
    const client = new RawClient(proxy.port);
    client.send(request(contacts, { accept: 'gzip' }) + request(`${app}/me`, { accept: 'gzip' }));
    for (let i = 0; i < 2; i += 1) expect((await client.readAnswer()).body.equals(body)).toBe(true);
  });
});

test("the answer to a client's own batch, and one with rewritten links, are coded", async () => {
  let body = long;
  const pool = await startCodingPool(() => ({ body }));
  const proxy = await startProxy(pool.url);
  const client = new RawClient(proxy.port);
  const part = `Content-Type: application/http; msgtype=request\r\n\r\nGET ${app}/me HTTP/1.1\r\nHost: p\r\n\r\n`;
  const fields = 'Content-Type: multipart/batching; boundary=c\r\n';
  const batch = `--c\r\n${part}\r\n--c--\r\n`;
  client.send(request(`${app}/batch`, { accept: 'gzip', method: 'POST', fields, body: batch }));
  const own = await client.readAnswer();
  expect(field(own, 'content-encoding')).toBe('gzip');
  expect(decoded(own)).toContain(long);
  body = `{"_links":{"user":{"href":"${pool.url}/user"}},"more":${long}}`;
  client.send(request('/', { accept: 'gzip' }));
  const linked = await client.readAnswer();
  expect(field(linked, 'content-encoding')).toBe('gzip');
  expect(decoded(linked)).toContain('"href":"http://p/user"');
});
