import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { RawClient, Rig, until } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.close());

/** A pool that never ends an answer. It begins answers to `/stream` and `/events-stream` immediately. */
async function silentPool(): Promise<{ port: number; opened: string[]; closed: string[] }> {
  const opened: string[] = [];
  const closed: string[] = [];
  const port = await rig.httpPool((request, response) => {
    const url = request.url ?? '';
    opened.push(url);
    response.on('close', () => closed.push(url));
    if (url.startsWith('/stream') || url.startsWith('/events-stream')) response.write('x');
  });
  return { port, opened, closed };
}

const get = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`;

function connect(port: number, targets: string[]): RawClient[] {
  return targets.map((target) => new RawClient(port).send(get(target)));
}

const twenty = (name: string): string[] => Array.from({ length: 20 }, (_, i) => `/${name}/${i}`);

describe.each([
  ['ordinary calls', 'wait', 'stream'],
  ['polls', 'events', 'events-stream'],
])('a client that disconnects: %s', (_, silent, streaming) => {
  test('its request to the pool ends, before and during an answer, for 40 of 40 clients', async () => {
    const pool = await silentPool();
    const front = await rig.front(pool.port);
    const before = connect(front.port, twenty(silent));
    const during = connect(front.port, twenty(streaming));
    await until(() => pool.opened.length === 40);
    for (const client of during) await client.has('x');
    for (const client of [...before, ...during]) client.leave();
    await until(() => pool.closed.length === 40);

    const outcomes = await front.outcomes(40);
    expect(outcomes).toHaveLength(40);
    const left = (responded: boolean): unknown[] =>
      outcomes.filter((o) => o.kind === 'client-left' && o.responded === responded);
    expect(left(false)).toHaveLength(20);
    expect(left(true)).toHaveLength(20);
    expect(front.told.flatMap((entry) => entry.faults)).toEqual([]);
    await until(() => front.passThrough.openConnections() === 0);
    expect(front.passThrough.openPolls()).toBe(0);
  });
});

describe('with all connections taken', () => {
  test('requests of clients that disconnect leave the queue and are never sent', async () => {
    const pool = await silentPool();
    const front = await rig.front(pool.port, { maxConnections: 2 });
    const holders = connect(front.port, ['/stream/a', '/stream/b']);
    for (const client of holders) await client.has('x');
    const waiting = connect(front.port, twenty('waiting'));
    await until(() => front.told.length === 22);
    for (const client of waiting.slice(0, 19)) client.leave();
    const outcomes = await front.outcomes(19);
    expect(new Set(outcomes.map((o) => JSON.stringify(o)))).toEqual(
      new Set(['{"kind":"client-left","responded":false}']),
    );
    expect(front.passThrough.openConnections()).toBe(2);

    // With one free connection, the only request that is still in the queue is sent.
    holders[0]?.leave();
    await until(() => pool.opened.length === 3);
    expect(pool.opened.slice(2)).toEqual(['/waiting/19']);
    waiting[19]?.leave();
    holders[1]?.leave();
    await until(() => pool.closed.length === 3);
    expect((await front.outcomes(22)).map((o) => o.kind)).toEqual(Array(22).fill('client-left'));
    await until(() => front.passThrough.openConnections() === 0);
    expect(pool.opened).toHaveLength(3);
  });

  test('the next call succeeds after all clients in the queue have disconnected', async () => {
    let hold: ServerResponse | undefined;
    const port = await rig.httpPool((request, response) => {
      if (request.url === '/hold') hold = response;
      else response.end('fine');
    });
    const front = await rig.front(port, { maxConnections: 1 });
    const [holder] = connect(front.port, ['/hold']);
    await until(() => hold !== undefined);
    const waiting = connect(front.port, twenty('waiting'));
    await until(() => front.told.length === 21);
    for (const client of [...waiting, holder]) client?.leave();
    await front.outcomes(21);
    await until(() => front.passThrough.openConnections() === 0);
    expect(await new RawClient(front.port).send(get('/next')).has('fine')).toContain('200 OK');
  });

  test('queued calls are all sent and answered as connections become free', async () => {
    const opened: string[] = [];
    const port = await rig.httpPool((request, response) => {
      opened.push(request.url ?? '');
      response.end(request.url);
    });
    const front = await rig.front(port, { maxConnections: 1 });
    const clients = connect(front.port, twenty('n'));
    for (const [i, client] of clients.entries()) await client.has(`\r\n\r\n/n/${i}`);
    expect([...opened].sort()).toEqual(twenty('n').sort());
    expect(front.passThrough.openConnections()).toBe(1);
  });
});

test('a client that disconnects during its upload ends the upload to the pool', async () => {
  let received = 0;
  let closed = false;
  const pool = await rig.rawPool((socket) => {
    socket.on('data', (chunk) => (received += chunk.length));
    socket.on('close', () => (closed = true));
  });
  const front = await rig.front(pool.port);
  const client = new RawClient(front.port).send(
    `POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(1000)}`,
  );
  await until(() => received > 1000);
  client.leave();
  await until(() => closed);
  expect(await front.outcomes(1)).toEqual([{ kind: 'client-left', responded: false }]);
});

test('all pipelined calls of a client end when the client disconnects', async () => {
  const pool = await silentPool();
  const front = await rig.front(pool.port, { idleTimeoutMs: 400 });
  const client = new RawClient(front.port).send(get('/events/1') + get('/events/2'));
  await until(() => pool.opened.length === 2);
  client.leave();
  await until(() => pool.closed.length === 2);
  expect((await front.outcomes(2)).map((o) => o.kind)).toEqual(['client-left', 'client-left']);
});

test('a client that disconnects before its call is forwarded causes no request', async () => {
  const pool = await silentPool();
  const front = await rig.front(pool.port);
  front.server.prependListener('request', (request) => request.socket.destroy());
  new RawClient(front.port).send(get('/gone'));
  expect(await front.outcomes(1)).toEqual([{ kind: 'client-left', responded: false }]);
  expect(front.passThrough.openConnections()).toBe(0);
  expect(pool.opened).toEqual([]);
});

test('a client that sends its body in two parts is answered, and keeps its connection', async () => {
  const port = await rig.httpPool((request, response) => {
    request.resume();
    request.on('end', () => response.end('done'));
  });
  const front = await rig.front(port);
  const client = new RawClient(front.port).send(
    'POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello',
  );
  await until(() => front.passThrough.openConnections() === 1);
  client.send('hello');
  expect(await client.has('done')).toContain('Connection: keep-alive');
  expect(await front.outcomes(1)).toEqual([{ kind: 'answered', status: 200 }]);
});
