import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ask, RawClient, Rig, until } from './rig.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.close());

/** Returns the bytes that the pool receives for the bytes of a client. */
async function relayed(request: string): Promise<string> {
  const pool = await rig.cannedPool(ok);
  const { port } = await rig.front(pool.port);
  const answer = await ask(port, request);
  expect(answer).toContain('200 OK');
  expect(pool.requests).toHaveLength(1);
  return (pool.requests[0] ?? '').replaceAll(String(pool.port), 'PORT');
}

const close = 'Connection: close\r\n\r\n';

describe('the target', () => {
  test.each([
    '/',
    '//evil/x',
    '///evil',
    '/a//b',
    '/a/../b',
    '/./a/.',
    '/%2e%2e/x',
    '/a?',
    '/a??b=?',
    '/a?x=http://evil//x',
    '/a?q="<>|^`{}[]\\',
    '/a;b=c/@:80',
    "/a?'!$&()*+,;=:@",
    'http://other.example//a//b?c',
    'http://xn--0/',
  ])('%s reaches the pool byte for byte', async (target) => {
    const request = await relayed(`GET ${target} HTTP/1.1\r\nHost: x\r\n${close}`);
    expect(request.split('\r\n')[0]).toBe(`GET ${target} HTTP/1.1`);
  });

  test('* reaches the pool with OPTIONS', async () => {
    const request = await relayed(`OPTIONS * HTTP/1.1\r\nHost: x\r\n${close}`);
    expect(request.split('\r\n')[0]).toBe('OPTIONS * HTTP/1.1');
  });
});

describe('the fields', () => {
  test('keep spelling, order and repeats, and lose the hop-by-hop fields', async () => {
    const request = await relayed(
      'GET /a HTTP/1.1\r\nHost: x\r\nx-lower: 1\r\nX-A: 1\r\nUser-Agent: one\r\nx-a: 2\r\n' +
        'Connection: close, X-Named\r\nX-Named: gone\r\nTE: trailers\r\nKeep-Alive: 5\r\n' +
        'Proxy-Authorization: p\r\nUser-Agent: two\r\nX-A: 3\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n',
    );
    expect(request).toBe(
      'GET /a HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nx-lower: 1\r\nX-A: 1\r\nUser-Agent: one\r\n' +
        'x-a: 2\r\nUser-Agent: two\r\nX-A: 3\r\nCookie: a=1\r\nCookie: b=2\r\n' +
        'Connection: keep-alive\r\n\r\n',
    );
  });

  test.each(['__proto__', 'constructor', 'toString'])('may be called %s', async (name) => {
    const request = await relayed(`GET / HTTP/1.1\r\nHost: x\r\n${name}: v\r\n${close}`);
    expect(request).toContain(`\r\n${name}: v\r\n`);
  });

  test('keep bytes beyond ASCII', async () => {
    const request = await relayed(
      'POST / HTTP/1.1\r\nHost: x\r\nX-Name: caf\xe9 \xc3\xa9\r\nContent-Length: 2\r\n' +
        `Content-Disposition: inline; filename="\xc3\xa9\xff"\r\n${close}hi`,
    );
    expect(request).toContain('\r\nX-Name: caf\xe9 \xc3\xa9\r\n');
    expect(request).toContain('\r\nContent-Disposition: inline; filename="\xc3\xa9\xff"\r\n');
    expect(request).toMatch(/\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi$/);
  });
});

describe('the framing', () => {
  test('is a length if the client sent a length', async () => {
    const request = await relayed(
      `POST /a HTTP/1.1\r\nHost: x\r\ncontent-length: 5\r\n${close}hello`,
    );
    expect(request).toMatch(/\r\ncontent-length: 5\r\nConnection: keep-alive\r\n\r\nhello$/);
    expect(request).not.toMatch(/transfer-encoding/i);
  });

  test.each(['POST', 'PUT', 'DELETE', 'GET', 'OPTIONS', 'PATCH'])(
    'of a chunked %s is one Transfer-Encoding: chunked',
    async (method) => {
      const request = await relayed(
        `${method} /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n${close}` +
          '5\r\nhello\r\n0\r\n\r\n',
      );
      expect(request.match(/transfer-encoding: chunked\r\n/gi)).toHaveLength(1);
      expect(request).not.toMatch(/content-length/i);
      expect(request.split('\r\n\r\n').slice(1).join('\r\n\r\n')).toBe('5\r\nhello\r\n0\r\n\r\n');
    },
  );

  test.each(['GET', 'HEAD', 'DELETE', 'OPTIONS'])('of a bodiless %s is absent', async (method) => {
    const request = await relayed(`${method} /a HTTP/1.1\r\nHost: x\r\n${close}`);
    expect(request).not.toMatch(/content-length|transfer-encoding/i);
  });

  test.each(['POST', 'PUT', 'PATCH'])('of a bodiless %s is a length of 0', async (method) => {
    const request = await relayed(`${method} /a HTTP/1.1\r\nHost: x\r\n${close}`);
    expect(request).toMatch(/\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n$/);
  });

  test('of a POST with a length of 0 is unchanged', async () => {
    const request = await relayed(`POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n${close}`);
    expect(request.match(/content-length: 0\r\n/gi)).toHaveLength(1);
    expect(request).not.toMatch(/transfer-encoding/i);
  });

  test.each(['GET', 'DELETE', 'POST'])(
    'of a %s cannot be removed by the Connection field',
    async (method) => {
      const body = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
      const request = await relayed(
        `${method} /a HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n` +
          `Connection: close, content-length, transfer-encoding\r\n\r\n${body}`,
      );
      expect(request).toContain(`\r\nContent-Length: ${body.length}\r\n`);
      expect(request.endsWith(`\r\n\r\n${body}`)).toBe(true);
    },
  );

  test('drops the trailers of a chunked body', async () => {
    const request = await relayed(
      'POST /a HTTP/1.1\r\nHost: x\r\nTrailer: Authorization\r\nTransfer-Encoding: chunked\r\n' +
        `${close}2\r\nhi\r\n0\r\nAuthorization: Bearer t\r\n\r\n`,
    );
    expect(request).not.toContain('Authorization');
  });
});

test('the server answers Expect: 100-continue, and the pool receives no Expect', async () => {
  const pool = await rig.cannedPool(ok);
  const { port } = await rig.front(pool.port);
  const client = new RawClient(port).send(
    `POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n${close}`,
  );
  await client.has('HTTP/1.1 100 Continue\r\n\r\n');
  expect(await client.send('hello').all()).toContain('HTTP/1.1 200 OK');
  expect(pool.requests[0]).not.toMatch(/expect/i);
  expect(pool.requests[0]).toMatch(/\r\n\r\nhello$/);
});

test('the head of an upload reaches the pool before the body', async () => {
  let received = '';
  const pool = await rig.rawPool((socket) => {
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => (received += chunk));
  });
  const { port } = await rig.front(pool.port);
  const head = 'POST /a HTTP/1.1\r\nHost: x\r\nX: \xe9\r\nContent-Length: 5\r\n\r\n';
  const client = new RawClient(port).send(head);
  await until(() => received.endsWith('\r\n\r\n'));
  expect(received).toContain('\r\nX: \xe9\r\n');
  client.send('hello');
  await until(() => received.endsWith('\r\n\r\nhello'));
});

test('sequential requests share a connection to the pool', async () => {
  const pool = await rig.cannedPool(ok);
  const front = await rig.front(pool.port);
  for (let i = 0; i < 5; i++) await ask(front.port, `GET /${i} HTTP/1.1\r\nHost: x\r\n${close}`);
  await ask(
    front.port,
    `POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n${close}2\r\nhi\r\n0\r\n\r\n`,
  );
  expect(pool.requests).toHaveLength(6);
  expect(pool.sockets).toHaveLength(1);
  expect(front.passThrough.openConnections()).toBe(1);
});

test('an idle connection to the pool is closed after its timeout', async () => {
  const pool = await rig.cannedPool(ok);
  const front = await rig.front(pool.port, { idleSocketTimeoutMs: 100 });
  await ask(front.port, `GET /a HTTP/1.1\r\nHost: x\r\n${close}`);
  expect(front.passThrough.openConnections()).toBe(1);
  await until(() => front.passThrough.openConnections() === 0);
  expect(pool.sockets[0]?.destroyed).toBe(true);
});
