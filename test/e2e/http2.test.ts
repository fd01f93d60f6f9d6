/** Clients of HTTP/2 have the same promises as clients of HTTP/1.1 (docs/http2.md). */
import { readFileSync } from 'node:fs';
import { get as secureGet } from 'node:https';
import { constants } from 'node:http2';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { Http2Client } from '../support/http2-client.ts';
import { frameType, getFields, headers, RawHttp2 } from '../support/http2-frames.ts';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';
import { app, UcwaClient } from '../support/ucwa-client.ts';

const h2c = { UCWA_PROXY_LISTEN_H2C: 'true' };
const path = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));
const tls = {
  UCWA_PROXY_LISTEN_TLS_CERT: path('server.pem'),
  UCWA_PROXY_LISTEN_TLS_KEY: path('server.key'),
};
const ca = readFileSync(path('ca.pem'));
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('the version is chosen', () => {
  test('by the first bytes without TLS, if listen.h2c is true, however they are divided', async () => {
    const pool = await startScriptedPool((_request, socket) => socket.write(ok));
    const proxy = await startProxy(pool.url, h2c);
    expect((await new Http2Client(proxy.url).ask('/root')).text).toBe('ok');
    expect((await new UcwaClient(proxy.url).ask('/root')).text).toBe('ok');
    for (const method of ['POST', 'PROPFIND', 'PUT']) {
      const client = new RawClient(proxy.port);
      for (const byte of `${method} /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`) {
        client.send(byte);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect((await client.readAnswer()).status).toBe(200);
    }
  });

  test('never by the first bytes without listen.h2c', async () => {
    const proxy = await startProxy((await startPool()).url);
    const client = new RawHttp2(proxy.port);
    await client.closed;
    expect(client.frames.filter(({ type }) => type === frameType.settings)).toEqual([]);
  });

  test('by negotiation with TLS: the client gets the version that it prefers', async () => {
    const proxy = await startProxy((await startPool()).url, tls);
    const url = `https://localhost:${proxy.port}`;
    const client = new Http2Client(url, undefined, { ca });
    expect((await client.ask(`${app}/me`)).status).toBe(200);
    expect(client.session.alpnProtocol).toBe('h2');
    const status = await new Promise((resolve) => {
      secureGet(url, { ca, agent: false }, ({ statusCode }) => resolve(statusCode));
    });
    expect(status).toBe(200);
  });

  test('as HTTP/1.1 with TLS if listen.http2 is false', async () => {
    const proxy = await startProxy((await startPool()).url, {
      ...tls,
      UCWA_PROXY_LISTEN_HTTP2: 'false',
    });
    const client = new Http2Client(`https://localhost:${proxy.port}`, undefined, { ca });
    await client.closed;
    expect(client.session.alpnProtocol).not.toBe('h2');
  });

  test('within headersTimeoutMs: a client that sends nothing is disconnected', async () => {
    const proxy = await startProxy((await startPool()).url, {
      ...h2c,
      UCWA_PROXY_LISTEN_HEADERS_TIMEOUT_MS: '200',
    });
    const silent = new RawClient(proxy.port);
    expect((await silent.readAnswer()).status).toBe(408);
    await silent.closed;
    const idle = new RawHttp2(proxy.port);
    await idle.closed;
  });
});

/** A connection to the port over a long distance: each piece takes half of the round trip. */
function distant(port: number, roundTripMs: number): Duplex {
  const socket = connect(port, '127.0.0.1');
  const late = (act: () => void): void => void setTimeout(act, roundTripMs / 2);
  const far = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      late(() => socket.write(chunk));
      done();
    },
    final(done) {
      late(() => socket.end());
      done();
    },
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', (chunk: Buffer) => late(() => far.push(chunk)));
  socket.on('error', () => undefined);
  return far;
}

test('the 20 calls of a starting phone, 60 ms away, reach the pool as one or two requests', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, tls);
  const targets = Array.from({ length: 20 }, (_, i) => `${app}/me/note?call=${i}`);
  const start = async (): Promise<number> => {
    const client = new Http2Client(`https://localhost:${proxy.port}`, undefined, {
      createConnection: () =>
        tlsConnect({
          ...{ socket: distant(proxy.port, 60), ca, ALPNProtocols: ['h2'] },
          servername: 'localhost',
        }),
    });
    await new Promise((resolve) => client.session.once('remoteSettings', resolve));
    const before = pool.ledger.requests().length;
    const answers = await client.askAll(targets);
    expect(answers.map(({ status }) => status)).toEqual(targets.map(() => 200));
    client.session.close();
    return pool.ledger.requests().length - before;
  };
  for (let round = 0; round < 3; round += 1) await start();
  expect(await start()).toBeLessThanOrEqual(2);
});

describe('an answer over HTTP/2 equals the one over HTTP/1.1', () => {
  const cases = {
    'a batchable call': { target: `${app}/me` },
    'a call that passes through': { target: '/nothing' },
    'a POST': { target: `${app}/me/note`, method: 'POST', body: '{"message":"x"}' },
    'a HEAD': { target: '/nothing', method: 'HEAD' },
    'a refusal': { target: '/a#b' },
    'an unknown method': { target: '/a', method: 'PURGE' },
  };
  test.each(Object.entries(cases))('%s', async (_name, { target, ...call }) => {
    const proxy = await startProxy((await startPool()).url, h2c);
    const first = await new UcwaClient(proxy.url).ask(target, { token: 'cwt=sim-ann', ...call });
    const second = await new Http2Client(proxy.url, 'cwt=sim-ann').ask(target, {
      ...call,
      headers: { accept: 'application/json' },
    });
    expect([second.status, second.text, second.code]).toEqual([first.status, first.text, 0]);
    const { connection, 'keep-alive': keepAlive, ...expected } = first.headers;
    const { ':status': status, ...received } = second.headers;
    expect([connection, keepAlive, status]).toBeDefined();
    const each = expect.any(String);
    const own = received['x-request-id'] === undefined ? {} : { 'x-request-id': each };
    expect(Object.fromEntries(Object.entries(received))).toEqual({
      ...expected,
      date: each,
      ...own,
    });
  });
});

describe('a client that resets its stream has left', () => {
  test('its held call is withdrawn', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url, {
      ...h2c,
      UCWA_PROXY_BATCHING_MODE: 'fixed',
      UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
      UCWA_PROXY_BATCHING_MAX_PARTS: '2',
    });
    const client = new Http2Client(proxy.url);
    const leaver = new AbortController();
    const left = client.ask(`${app}/me?leaves`, { signal: leaver.signal });
    await proxy.untilMetric('ucwa_proxy_held_calls', (value) => value === 1);
    leaver.abort();
    expect((await left).status).toBeUndefined();
    await proxy.untilMetric('ucwa_proxy_held_calls', (value) => value === 0);
    const answers = await client.askAll([`${app}/me`, `${app}/me/note`]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(pool.ledger.entries().map(({ target }) => target)).not.toContain(`${app}/me?leaves`);
  });

  test.each([
    ['a call', `${app}/me`],
    ['a call that passes through', '/root'],
  ])('the request to the pool of %s is aborted, and other streams go on', async (_name, target) => {
    const pool = await startScriptedPool((request, socket) => {
      if (!request.includes('leaves')) socket.write(ok);
    });
    const proxy = await startProxy(pool.url, h2c);
    const client = new Http2Client(proxy.url);
    const leaver = new AbortController();
    const left = client.ask(`${target}?leaves`, { signal: leaver.signal });
    await proxy.untilMetric('ucwa_proxy_connections{side="upstream"}', (value) => value === 1);
    leaver.abort();
    await left;
    await pool.untilClosed(1);
    expect((await client.ask('/root')).text).toBe('ok');
  });
});

describe('sign-in that belongs to a connection', () => {
  const bind = { ...h2c, UCWA_PROXY_UPSTREAM_CONNECTION_AUTH: 'bind' };
  const challenge =
    'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n';

  test('makes the client repeat its request over HTTP/1.1: a credential', async () => {
    const pool = await startScriptedPool((_request, socket) => socket.write(ok));
    const proxy = await startProxy(pool.url, bind);
    const client = new Http2Client(proxy.url);
    const answer = await client.ask('/root', { headers: { authorization: 'NTLM TlRMTVNTUAAB' } });
    expect([answer.status, answer.code]).toEqual([undefined, constants.NGHTTP2_HTTP_1_1_REQUIRED]);
    expect(pool.requests).toEqual([]);
    expect((await client.ask('/root')).text).toBe('ok');
  });

  test('makes the client repeat its request over HTTP/1.1: a challenge of the pool', async () => {
    const pool = await startScriptedPool((_request, socket) => socket.write(challenge));
    const proxy = await startProxy(pool.url, bind);
    const answer = await new Http2Client(proxy.url).ask('/root');
    expect(answer.code).toBe(constants.NGHTTP2_HTTP_1_1_REQUIRED);
  });

  test('is refused like over HTTP/1.1 unless connections are bound', async () => {
    const pool = await startScriptedPool((_request, socket) => socket.write(ok));
    const proxy = await startProxy(pool.url, h2c);
    const answer = await new Http2Client(proxy.url).ask('/root', {
      headers: { authorization: 'Negotiate YII=' },
    });
    expect([answer.status, answer.code]).toEqual([501, 0]);
    expect(pool.requests).toEqual([]);
  });
});

describe('a shutdown', () => {
  test('tells clients by GOAWAY, serves what is under way, and closes', async () => {
    let release: () => void = () => undefined;
    const pool = await startScriptedPool((_request, socket) => {
      release = () => void socket.write(ok);
    });
    const proxy = await startProxy(pool.url, { ...h2c, UCWA_PROXY_DRAIN_DELAY_MS: '50' });
    const client = new RawHttp2(proxy.port);
    client.send(headers(1, getFields('/root')));
    await proxy.untilMetric('ucwa_proxy_connections{side="upstream"}', (value) => value === 1);
    const stopped = proxy.stop();
    const notice = await client.until(({ type }) => type === frameType.goaway);
    expect(notice?.payload.readUInt32BE(0)).toBe(2 ** 31 - 1);
    await client.until(
      ({ type, payload }) => type === frameType.goaway && payload.readUInt32BE(0) === 1,
    );
    release();
    await client.until(({ type }) => type === frameType.headers);
    await client.closed;
    await stopped;
  });

  test('closes idle connections', async () => {
    const proxy = await startProxy((await startPool()).url, h2c);
    const client = new Http2Client(proxy.url);
    await client.ask(`${app}/me`);
    await proxy.stop();
    expect(await client.goneAway).toBe(constants.NGHTTP2_NO_ERROR);
    await client.closed;
  });
});

test('an idle connection is closed after keepAliveTimeoutMs', async () => {
  const proxy = await startProxy((await startPool()).url, {
    ...h2c,
    UCWA_PROXY_LISTEN_KEEP_ALIVE_TIMEOUT_MS: '100',
  });
  const client = new Http2Client(proxy.url);
  await client.ask(`${app}/me`);
  expect(await client.goneAway).toBe(constants.NGHTTP2_NO_ERROR);
  await client.closed;
  await proxy.untilMetric('ucwa_proxy_connections{side="client"}', (value) => value === 0);
});
