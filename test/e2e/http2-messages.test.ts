/** Requests and answers over HTTP/2 become the messages of HTTP/1.1 that the pool knows, and nothing else. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { constants } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { onCleanup } from '../support/cleanup.ts';
import { Http2Client } from '../support/http2-client.ts';
import {
  flag,
  frame,
  frameType,
  getFields,
  headers,
  postFields,
  RawHttp2,
  word,
} from '../support/http2-frames.ts';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';

const h2c = { UCWA_PROXY_LISTEN_H2C: 'true' };
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const left = 'ucwa_proxy_client_aborts_total{stage="passthrough"}';

async function startHttpPool(
  serve: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('the fields of a request', () => {
  async function forwarded(
    fields: ReadonlyArray<readonly [string, string]>,
  ): Promise<{ status: number | undefined; request: string }> {
    const pool = await startScriptedPool((_request, socket) => socket.write(ok));
    const proxy = await startProxy(pool.url, h2c);
    const client = new RawHttp2(proxy.port);
    client.send(headers(1, fields));
    const answer = await client.until(({ stream, type }) => stream === 1 && type !== 8);
    if (answer?.type !== frameType.headers) return { status: undefined, request: '' };
    const [request = ''] = pool.requests;
    return { status: request === '' ? 400 : 200, request };
  }

  test('reach the pool as fields of HTTP/1.1, with Host and Via, and without TE', async () => {
    const { request } = await forwarded([...getFields('/root'), ['te', 'trailers'], ['x-a', 'b']]);
    expect(request).toMatch(/^GET \/root HTTP\/1\.1\r\n/);
    expect(request).toMatch(/^Via: 2 /m);
    expect(request).toMatch(/^host: 127\.0\.0\.1:\d+\r$/im);
    expect(request).toMatch(/^x-a: b\r$/m);
    expect(request).not.toMatch(/^(?:te|:|connection: te)/im);
  });

  test('may divide a cookie: the pool gets one Cookie', async () => {
    const { request } = await forwarded([
      ...getFields('/root'),
      ['cookie', 'a=1'],
      ['x-a', 'b'],
      ['cookie', 'b=2'],
    ]);
    expect(request.match(/^cookie: .*/gim)).toEqual(['cookie: a=1; b=2']);
  });

  test('may repeat :authority as Host', async () => {
    const { status } = await forwarded([...getFields('/root'), ['host', 'pool.example']]);
    expect(status).toBe(200);
  });

  test.each([
    ['another Host than :authority', [...getFields('/root'), ['host', 'other.example']]],
    [
      'an :authority with a user',
      getFields('/root').map(([a, b]) => [a, a === ':authority' ? `u@${b}` : b]),
    ],
    ['no name', getFields('/root').filter(([name]) => name !== ':authority')],
    ['another scheme', getFields('/root').map(([a, b]) => [a, a === ':scheme' ? 'ftp' : b])],
    ['a path with a blank', getFields('/ro ot')],
    ['a path with a byte above ASCII', getFields('/ro\xe9t')],
    ['a path with a fragment', getFields('/root#a')],
    [
      'a method in lower case',
      getFields('/root').map(([a, b]) => [a, a === ':method' ? 'get' : b]),
    ],
    ['two lengths', [...getFields('/root'), ['content-length', '0'], ['content-length', '1']]],
    ['Transfer-Encoding', [...getFields('/root'), ['transfer-encoding', 'chunked']]],
    ['Connection', [...getFields('/root'), ['connection', 'close']]],
    ['a name in upper case', [...getFields('/root'), ['X-A', 'b']]],
    ['a line end in the path', getFields('/root HTTP/1.1\r\nx-c: d\r\n\r\nGET /b')],
    [
      'a line end in the method',
      getFields('/root').map(([a, b]) => [a, a === ':method' ? 'GET / HTTP/1.1\r\nx: y' : b]),
    ],
    [':protocol', [...getFields('/root'), [':protocol', 'websocket']]],
  ] as Array<[string, Array<[string, string]>]>)(
    'never reach the pool with %s',
    async (_name, fields) => {
      const { request } = await forwarded(fields);
      expect(request).toBe('');
    },
  );

  test.each([
    ['a value', ['x-a', 'b\r\nx-c: d']],
    ['a name', ['x-a: b\r\nx-c', 'd']],
  ] as Array<[string, [string, string]]>)(
    'are dropped if %s has a line end',
    async (_name, field) => {
      const { request } = await forwarded([...getFields('/root'), field]);
      expect(request).not.toMatch(/x-[ac]/);
    },
  );

  test('CONNECT is refused, with and without a protocol', async () => {
    const proxy = await startProxy((await startPool()).url, h2c);
    const client = new RawHttp2(proxy.port);
    client.send(
      headers(1, [
        [':method', 'CONNECT'],
        [':authority', 'pool.example:443'],
      ]),
    );
    await client.until(({ type }) => type === frameType.headers);
    const answers = await proxy.metrics();
    expect(answers.get('ucwa_proxy_refused_total{reason="method"}')).toBe(1);
    client.send(
      headers(3, [
        ...getFields('/root').map(([a, b]) => [a, a === ':method' ? 'CONNECT' : b] as const),
        [':protocol', 'websocket'],
      ]),
    );
    expect(await client.resetCode(3)).toBe(constants.NGHTTP2_PROTOCOL_ERROR);
  });
});

describe('a body', () => {
  test('with trailers reaches the pool without them', async () => {
    const pool = await startScriptedPool((_request, socket) => socket.write(ok));
    const proxy = await startProxy(pool.url, h2c);
    const client = new RawHttp2(proxy.port);
    client.send(
      headers(1, postFields('/upload'), flag.endHeaders),
      frame(frameType.data, 0, 1, Buffer.from('body')),
      headers(1, [['x-trailer', 'z']]),
    );
    await client.until(({ type }) => type === frameType.headers);
    const [request = ''] = pool.requests;
    expect(request).toContain('4\r\nbody\r\n0\r\n');
    expect(request).not.toContain('x-trailer');
  });

  test('of 5 MB goes up, and an answer of 5 MB comes down, byte for byte', async () => {
    const url = await startHttpPool((request, response) => request.pipe(response));
    const proxy = await startProxy(url, h2c);
    const body = Buffer.alloc(5_000_000, 'abcdefg');
    const client = new Http2Client(proxy.url);
    const answers = await Promise.all(
      [1, 2, 3].map(() => client.ask('/echo', { method: 'POST', body })),
    );
    for (const answer of answers) expect(answer.body.equals(body)).toBe(true);
  });

  test('that breaks off never looks complete to the pool', async () => {
    const pool = await startScriptedPool((_request, socket) => socket.write(ok));
    const proxy = await startProxy(pool.url, h2c);
    const client = new RawHttp2(proxy.port);
    client.send(
      headers(1, postFields('/upload'), flag.endHeaders),
      frame(frameType.data, 0, 1, Buffer.alloc(16_384)),
    );
    await proxy.untilMetric('ucwa_proxy_connections{side="client"}', (value) => value === 1);
    client.send(frame(frameType.rstStream, 0, 1, word(constants.NGHTTP2_CANCEL)));
    await proxy.untilMetric(left, (value) => value === 1);
    expect(pool.requests).toEqual([]);
  });

  test('is asked for with 100 Continue if the client expects that', async () => {
    const pool = await startScriptedPool((_request, socket) => socket.write(ok));
    const proxy = await startProxy(pool.url, h2c);
    const client = new Http2Client(proxy.url);
    const stream = client.session.request({
      ':method': 'POST',
      ':path': '/upload',
      expect: '100-continue',
      'content-length': '4',
    });
    await new Promise<void>((resolve) => stream.once('continue', resolve));
    const status = new Promise((resolve) =>
      stream.once('response', (head) => resolve(head[':status'])),
    );
    stream.end('body');
    expect(await status).toBe(200);
    const other = await client.ask('/upload', {
      method: 'POST',
      body: 'x',
      headers: { expect: 'cake' },
    });
    expect(other.status).toBe(417);
  });

  test('that the pool does not wait for ends with RST_STREAM NO_ERROR behind the whole answer', async () => {
    const url = await startHttpPool((_request, response) => response.end('early'));
    const proxy = await startProxy(url, h2c);
    const client = new RawHttp2(proxy.port);
    client.send(
      headers(1, postFields('/upload'), flag.endHeaders),
      frame(frameType.data, 0, 1, Buffer.alloc(16_384)),
      frame(frameType.data, 0, 1, Buffer.alloc(16_384)),
      frame(frameType.data, 0, 1, Buffer.alloc(16_384)),
      frame(frameType.data, 0, 1, Buffer.alloc(16_383)),
    );
    await client.until(({ type, stream }) => type === frameType.windowUpdate && stream === 1);
    client.send(frame(frameType.data, 0, 1, Buffer.alloc(16_384)));
    await client.until(({ type }) => type === frameType.headers);
    expect(await client.resetCode(1)).toBe(constants.NGHTTP2_NO_ERROR);
    const body = client.frames.filter(({ type }) => type === frameType.data);
    expect(Buffer.concat(body.map(({ payload }) => payload)).toString()).toBe('early');
    client.send(headers(3, getFields('/again')));
    await client.until(({ stream, type }) => stream === 3 && type === frameType.headers);
  });
});

test('an answer that breaks off resets its stream, and no other one', async () => {
  const pool = await startScriptedPool((request, socket) => {
    if (request.startsWith('GET /root')) socket.write(ok);
    else socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n');
  });
  const proxy = await startProxy(pool.url, h2c);
  const client = new Http2Client(proxy.url);
  const [broken, whole] = await Promise.all([client.ask('/breaks'), client.ask('/root')]);
  expect([broken.status, broken.text, broken.code]).toEqual([
    200,
    'half',
    constants.NGHTTP2_INTERNAL_ERROR,
  ]);
  expect([whole.text, whole.code]).toEqual(['ok', 0]);
});

test('no field of a connection reaches the client', async () => {
  const pool = await startScriptedPool((_request, socket) => {
    socket.write(
      'HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n' +
        'Upgrade: h2c\r\nProxy-Connection: x\r\nTE: x\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n' +
        'X-Twice: 1\r\nX-Twice: 2\r\nAge: 1\r\nAge: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    );
  });
  const proxy = await startProxy(pool.url, h2c);
  const { headers: fields, text } = await new Http2Client(proxy.url).ask('/root');
  expect(Object.fromEntries(Object.entries(fields))).toEqual({
    ':status': 200,
    age: '1, 2',
    'set-cookie': ['a=1', 'b=2'],
    'x-twice': '1, 2',
    date: expect.any(String),
  });
  expect(text).toBe('ok');
});
