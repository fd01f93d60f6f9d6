import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RawClient, Rig, until } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.close());

const post = (length: number): string =>
  `POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;
const refusal = 'HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig';

/** A pool that answers as soon as it has a request head. `readsOn`: whether it then reads the body. */
async function hastyPool(
  answer: string,
  readsOn: boolean,
): Promise<{ port: number; sockets: unknown[] }> {
  return rig.rawPool((socket) => {
    socket.once('data', () => {
      socket.write(answer);
      if (!readsOn) socket.pause();
    });
  });
}

describe.each([
  ['reads on', true],
  ['stops reading', false],
])('a pool that answers early and %s', (_, readsOn) => {
  test('has its answer relayed, and the connection of the client closes after it', async () => {
    const pool = await hastyPool(refusal, readsOn);
    const front = await rig.front(pool.port);
    const client = new RawClient(front.port).send(post(1_000_000) + 'x'.repeat(1000));
    const answer = await client.all();
    expect(answer).toContain('HTTP/1.1 413 Too Large\r\n');
    expect(answer).toContain('Connection: close\r\n');
    expect(answer).toMatch(/\r\n\r\nbig$/);
    expect(await front.outcomes(1)).toEqual([{ kind: 'answered', status: 413 }]);
    // The body is not fully sent, so the connection to the pool cannot be reused.
    await until(() => front.passThrough.openConnections() === 0);
  });
});

test('a client that sends its whole body before it reads receives the early answer', async () => {
  const pool = await hastyPool(refusal, false);
  const front = await rig.front(pool.port);
  const client = new RawClient(front.port);
  client.socket.pause();
  // More than the buffers of the connection hold. The proxy reads the rest for 1 s, which suffices on a busy machine.
  const bytes = 12_000_000;
  const sent = new Promise((resolve) =>
    client.socket.write(post(bytes) + 'x'.repeat(bytes), 'latin1', resolve),
  );
  expect(await sent).toBeFalsy();
  client.socket.resume();
  expect(await client.all()).toMatch(/^HTTP\/1\.1 413 [\s\S]*\r\n\r\nbig$/);
});

test('an early answer without a body is sent immediately', async () => {
  const pool = await hastyPool('HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n', true);
  const front = await rig.front(pool.port);
  const client = new RawClient(front.port).send(post(10));
  await client.has('HTTP/1.1 401 No\r\n');
  expect(client.closed).toBe(false);
  expect(front.told[0]?.outcomes).toEqual([]);
  client.send('0123456789');
  await client.all();
  expect(await front.outcomes(1)).toEqual([{ kind: 'answered', status: 401 }]);
});

test('the rest of an unread body is never parsed as a request', async () => {
  const pool = await rig.rawPool((socket) => socket.once('data', () => socket.end(refusal)));
  const front = await rig.front(pool.port);
  const client = new RawClient(front.port).send(post(100));
  await client.has('big');
  client.send('GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n'.padEnd(100));
  const answers = await client.all();
  expect(answers.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  expect(front.told.map((entry) => entry.url)).toEqual(['/up']);
});

test('an answer that begins early and ends late is relayed with the whole upload', async () => {
  const port = await rig.httpPool((request, response) => {
    response.writeHead(200);
    response.write('begin;');
    request.on('data', (chunk: Buffer) => response.write(`${chunk.length};`));
    request.on('end', () => response.end('end'));
  });
  const front = await rig.front(port);
  const client = new RawClient(front.port).send(post(10));
  await client.has('begin;');
  client.send('01234');
  await client.has('5;');
  client.send('56789');
  expect(await client.all()).toMatch(/Connection: close[\s\S]*end\r\n0\r\n\r\n$/);
  await until(() => front.passThrough.openConnections() === 0);
});

test('an answer of the proxy to an unread upload closes the connection', async () => {
  const pool = await rig.rawPool((socket) => socket.once('data', () => socket.destroy()));
  const front = await rig.front(pool.port);
  const answer = await new RawClient(front.port).send(post(1000) + 'x').all();
  expect(answer).toMatch(/^HTTP\/1\.1 504 /);
  expect(answer).toContain('Connection: close\r\n');
  expect(front.told).toHaveLength(1);
});
