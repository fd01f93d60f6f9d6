import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ask, RawClient, Rig, until } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.close());

const date = 'Date: Sat, 21 Nov 2026 10:00:00 GMT\r\n';

/** Returns the bytes that a client receives if the pool answers with `answer`. */
async function relayed(answer: string, request = 'GET / HTTP/1.1\r\nHost: x\r\n'): Promise<string> {
  const pool = await rig.cannedPool(answer);
  const { port } = await rig.front(pool.port);
  return ask(port, `${request}Connection: close\r\n\r\n`);
}

describe('the head', () => {
  test('keeps status, reason, spelling, order, repeats and bytes beyond ASCII', async () => {
    const head =
      `HTTP/1.1 207 Fa\xe7on diff\xe9rente\r\n${date}Set-Cookie: a=1; path=/\r\nX-MS-Server-Fqdn: s\r\n` +
      'set-cookie: b=2\r\nWWW-Authenticate: MsRtcOAuth href="a"\r\nWWW-Authenticate: Bearer\r\n' +
      'ETag: "caf\xe9 \xc3\xa9"\r\nContent-Length: 2\r\n' +
      'Content-Disposition: inline; filename="\xc3\xa9"\r\n';
    expect(await relayed(`${head}\r\nok`)).toBe(
      `${head.replace('Content-Length: 2\r\n', '')}Content-Length: 2\r\nConnection: close\r\n\r\nok`,
    );
  });

  test('keeps an empty reason', async () => {
    expect(await relayed('HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 200 \r\n/,
    );
  });

  test.each([200, 201, 301, 401, 404, 409, 429, 503, 599])('relays a %i', async (status) => {
    const answer = await relayed(`HTTP/1.1 ${status} So\r\n${date}Content-Length: 3\r\n\r\nabc`);
    expect(answer).toBe(
      `HTTP/1.1 ${status} So\r\n${date}Content-Length: 3\r\nConnection: close\r\n\r\nabc`,
    );
  });

  test('loses the hop-by-hop fields of the pool', async () => {
    const answer = await relayed(
      `HTTP/1.1 200 OK\r\n${date}Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\n` +
        'Proxy-Authenticate: Basic\r\nUpgrade: h2c\r\nTE: x\r\nTrailer: X-T\r\nX-Kept: 1\r\n' +
        'Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n',
    );
    expect(answer).toBe(
      `HTTP/1.1 200 OK\r\n${date}X-Kept: 1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n` +
        '2\r\nok\r\n0\r\n\r\n',
    );
  });

  test('says Connection: close if the response has shouldKeepAlive = false', async () => {
    const pool = await rig.cannedPool('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    const front = await rig.front(pool.port);
    front.server.prependListener('request', (_, response) => (response.shouldKeepAlive = false));
    expect(await ask(front.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toContain(
      'Connection: close\r\n',
    );
  });

  test('reaches the client before the body', async () => {
    let send = (): void => undefined;
    const pool = await rig.rawPool((socket) => {
      socket.once('data', () =>
        socket.write('HTTP/1.1 200 OK\r\nX: \xe9\r\nContent-Length: 2\r\n\r\n', 'latin1'),
      );
      send = () => socket.write('ok');
    });
    const { port } = await rig.front(pool.port);
    const client = new RawClient(port).send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await client.has('\r\n\r\n')).toContain('\r\nX: \xe9\r\n');
    expect(client.received).not.toContain('ok');
    send();
    expect(await client.has('ok')).toMatch(/\r\n\r\nok$/);
  });
});

describe('the body', () => {
  test('ends with the connection for an HTTP/1.0 client, unchunked', async () => {
    const answer = await relayed(
      `HTTP/1.1 200 OK\r\n${date}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
      'GET / HTTP/1.0\r\nHost: x\r\n',
    );
    expect(answer).toBe(`HTTP/1.1 200 OK\r\n${date}Connection: close\r\n\r\nabc`);
  });

  test('is chunked for the client if the pool ends it with its connection', async () => {
    const pool = await rig.rawPool((socket) => {
      socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${date}\r\nabc`));
    });
    const { port } = await rig.front(pool.port);
    expect(await ask(port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toBe(
      `HTTP/1.1 200 OK\r\n${date}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n` +
        '3\r\nabc\r\n0\r\n\r\n',
    );
  });

  test('is absent for HEAD, and its Content-Length stays', async () => {
    const answer = await relayed(
      `HTTP/1.1 200 OK\r\n${date}Content-Length: 1234\r\n\r\n`,
      'HEAD / HTTP/1.1\r\nHost: x\r\n',
    );
    expect(answer).toBe(
      `HTTP/1.1 200 OK\r\n${date}Content-Length: 1234\r\nConnection: close\r\n\r\n`,
    );
  });

  test.each([
    ['204 No Content', ''],
    ['304 Not Modified', 'ETag: "a"\r\nContent-Length: 99\r\n'],
  ])('is absent with %s', async (status, fields) => {
    const head = `HTTP/1.1 ${status}\r\n${date}${fields}`;
    expect(await relayed(`${head}\r\n`)).toBe(`${head}Connection: close\r\n\r\n`);
  });

  test('keeps all bytes, even if they do not match its Content-Encoding', async () => {
    const body = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i)).repeat(50);
    const answer = await relayed(
      `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).toBe(body);
  });
});

describe('interim answers', () => {
  test.each(['100 Continue', '102 Processing', '103 Early Hints'])(
    'a %s is dropped, and the final answer is relayed',
    async (status) => {
      const answer = await relayed(
        `HTTP/1.1 ${status}\r\nLink: </a>\r\n\r\nHTTP/1.1 201 Created\r\n${date}Content-Length: 0\r\n\r\n`,
      );
      expect(answer).toBe(
        `HTTP/1.1 201 Created\r\n${date}Content-Length: 0\r\nConnection: close\r\n\r\n`,
      );
    },
  );

  test.each([
    ['with its fields', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'],
    ['without any', ''],
  ])('a 101 %s is not relayed', async (_, fields) => {
    const pool = await rig.cannedPool(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n`);
    const front = await rig.front(pool.port);
    const answer = await ask(
      front.port,
      'GET / HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 504 /);
    expect(pool.requests[0]).not.toMatch(/upgrade/i);
    expect(await front.outcomes(1)).toEqual([
      {
        kind: 'failed',
        fault: { phase: 'unknown', name: 'http_protocol_error' },
        responded: false,
        error: undefined,
      },
    ]);
    await until(() => front.passThrough.openConnections() === 0);
  });
});

test('calls of one client connection are answered one after the other, with one outcome each', async () => {
  const pool = await rig.cannedPool('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  const front = await rig.front(pool.port);
  const client = new RawClient(front.port);
  for (let i = 1; i <= 3; i++) {
    client.send(`POST /${i} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi`);
    await until(() => client.received.split('\r\n\r\nok').length === i + 1);
  }
  await front.outcomes(3);
  expect(front.told).toEqual(
    [1, 2, 3].map((i) => ({
      url: `/${i}`,
      responded: [200],
      faults: [],
      outcomes: [{ kind: 'answered', status: 200 }],
    })),
  );
  expect(pool.sockets).toHaveLength(1);
});
