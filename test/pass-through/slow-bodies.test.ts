/** Slow or large uploads and slow downloads leave connections free for other calls. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Socket } from 'node:net';
import type { PassThroughExchange } from '../../src/pass-through/pass-through-exchange.ts';
import { SlowClients } from '../../src/pass-through/slow-clients.ts';
import { ask, RawClient, Rig, until } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.close());

const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const readFirstBytes = 1000;
const head = (fields: string): string => `POST / HTTP/1.1\r\nHost: p\r\n${fields}\r\n\r\n`;
const get = 'GET / HTTP/1.1\r\nHost: p\r\nConnection: close\r\n\r\n';

test('140 clients that have sent half of a body hold no connection to the pool', async () => {
  const pool = await rig.cannedPool(answer);
  const front = await rig.front(pool.port, { maxConnections: 4, readFirstBytes });
  const slow = Array.from({ length: 140 }, () => new RawClient(front.port));
  for (const client of slow) client.send(`${head('Content-Length: 9')}half`);
  await until(() => front.told.length === slow.length);
  expect(await ask(front.port, get)).toMatch(/ok$/);
  expect(pool.sockets).toHaveLength(1);
  for (const client of slow) client.send('other');
  for (const client of slow) expect(await client.has('ok')).toMatch(/^HTTP\/1.1 200/);
});

test.each([
  ['a length', `${head('Content-Length: 5')}he`, 'llo', 'Content-Length: 5', /hello$/],
  [
    'chunks',
    `${head('Transfer-Encoding: chunked')}2\r\nhe\r\n`,
    '3\r\nllo\r\n0\r\n\r\n',
    'Transfer-Encoding: chunked',
    /\r\n\r\n(?:\d+\r\n(?:hello|he|llo)\r\n)+0\r\n\r\n$/,
  ],
])(
  'a body with %s is sent to the pool when it is complete',
  async (_, first, rest, framing, body) => {
    const pool = await rig.cannedPool(answer);
    const front = await rig.front(pool.port, { readFirstBytes });
    const client = new RawClient(front.port).send(first);
    await until(() => front.told.length === 1);
    expect(pool.sockets).toHaveLength(0);
    client.send(rest);
    expect(await client.has('ok')).toMatch(/^HTTP\/1.1 200/);
    expect(pool.requests[0]).toContain(framing);
    expect(pool.requests[0]).toMatch(body);
  },
);

test('the pool receives nothing from a client that disconnects during its body', async () => {
  const pool = await rig.cannedPool(answer);
  const front = await rig.front(pool.port, { readFirstBytes });
  const client = new RawClient(front.port).send(`${head('Content-Length: 5')}he`);
  await until(() => front.told.length === 1);
  client.leave();
  expect(await front.outcomes(1)).toEqual([{ kind: 'client-left', responded: false }]);
  expect(pool.sockets).toHaveLength(0);
});

test('large bodies use a quarter of the connections, and leave the others free', async () => {
  const sockets: Socket[] = [];
  const pool = await rig.rawPool((socket) => {
    sockets.push(socket);
    socket.on('data', (bytes) => {
      if (bytes.toString('latin1').startsWith('GET')) socket.write(answer);
    });
  });
  const front = await rig.front(pool.port, { maxConnections: 8, readFirstBytes });
  for (let i = 0; i < 20; i += 1) {
    new RawClient(front.port).send(head('Content-Length: 5000') + 'x'.repeat(1500));
  }
  await until(() => front.told.length === 20 && sockets.length === 2);
  for (let i = 0; i < 10; i += 1) expect(await ask(front.port, get)).toMatch(/ok$/);
  expect(front.passThrough.openConnections()).toBeGreaterThan(2);
});

describe('clients with slow downloads', () => {
  const client = (takenBytes: number | undefined) =>
    ({ takenBytes }) as unknown as PassThroughExchange;
  const set = (exchange: PassThroughExchange, takenBytes: number | undefined): void =>
    void Object.assign(exchange, { takenBytes });

  test('are disconnected above their limit, the longest slow first', () => {
    const slow = new SlowClients(5000, ({ takenBytes }) => takenBytes);
    const [first, second] = [client(0), client(0)];
    expect(slow.findExcess(new Set([first]), 0, 1)).toEqual([]);
    expect(slow.findExcess(new Set([first, second]), 1000, 1)).toEqual([]);
    expect(slow.findExcess(new Set([first, second]), 5000, 1)).toEqual([]);
    expect(slow.findExcess(new Set([first, second]), 6000, 1)).toEqual([first]);
    expect(slow.findExcess(new Set([second]), 7000, 1)).toEqual([]);
  });

  test('count from their last progress: a client that went on reading is not disconnected first', () => {
    const slow = new SlowClients(5000, ({ takenBytes }) => takenBytes);
    const [resumed, stalled] = [client(0), client(0)];
    const both = new Set([resumed, stalled]);
    slow.findExcess(both, 0, 1);
    set(resumed, 100_000);
    slow.findExcess(both, 4000, 1);
    expect(slow.findExcess(both, 9000, 1)).toEqual([stalled]);
  });

  test('do not include clients that read enough, or that have read everything', () => {
    const slow = new SlowClients(5000, ({ takenBytes }) => takenBytes);
    const [quick, done, drips] = [client(0), client(0), client(0)];
    const all = new Set([quick, done, drips]);
    for (let nowMs = 0; nowMs <= 20_000; nowMs += 1000) {
      expect(slow.findExcess(all, nowMs, 0)).toEqual(nowMs < 5000 ? [] : [drips]);
      set(quick, nowMs * 20);
      set(done, nowMs % 2000 === 0 ? undefined : 1);
      set(drips, nowMs);
    }
  });
});

describe('one owner', () => {
  const of = (owner: string, request: string): string =>
    request.replace('\r\n', `\r\nX-Owner: ${owner}\r\n`);

  test('uses at most half of the connections, and other owners are served immediately', async () => {
    const pool = await rig.rawPool((socket) => {
      socket.on('data', (bytes) => {
        if (bytes.toString('latin1').includes('X-Owner: b')) socket.write(answer);
      });
    });
    const front = await rig.front(pool.port, { maxConnections: 4, readFirstBytes });
    const clients = Array.from({ length: 10 }, () => new RawClient(front.port).send(of('a', get)));
    await until(() => front.told.length === 10);
    for (let i = 0; i < 5; i += 1) expect(await ask(front.port, of('b', get))).toMatch(/ok$/);
    expect(front.passThrough.openConnections()).toBeLessThanOrEqual(4);
    // The waiting calls of the owner start when its first calls are over.
    for (const client of clients) client.leave();
    await front.outcomes(15);
    expect(await ask(front.port, of('b', get))).toMatch(/ok$/);
  });

  test('uses at most half of the connections for large bodies', async () => {
    const pool = await rig.rawPool((socket) => {
      let said = '';
      socket.on('data', (bytes) => {
        said += bytes.toString('latin1');
        if (said.endsWith('end')) socket.write(answer);
      });
    });
    const front = await rig.front(pool.port, { maxConnections: 8, readFirstBytes });
    const large = (sent: string): string => head('Content-Length: 2003') + sent;
    for (let i = 0; i < 10; i += 1) {
      new RawClient(front.port).send(of('a', large('x'.repeat(1500))));
    }
    await until(() => front.told.length === 10);
    const whole = of('b', large(`${'x'.repeat(2000)}end`));
    for (let i = 0; i < 5; i += 1) {
      expect(await new RawClient(front.port).send(whole).has('ok')).toMatch(/ok$/);
    }
  });

  test('gets a connection when one of its earlier calls is over', async () => {
    const pool = await rig.cannedPool(answer);
    const front = await rig.front(pool.port, { maxConnections: 2, readFirstBytes });
    const clients = Array.from({ length: 6 }, () => new RawClient(front.port).send(of('a', get)));
    for (const client of clients) expect(await client.has('ok')).toMatch(/^HTTP\/1.1 200/);
  });
});

test('bodies that wait for a connection count as buffered, and later ones are streamed as large bodies', async () => {
  const sockets: Socket[] = [];
  let received = '';
  const pool = await rig.rawPool((socket) => {
    sockets.push(socket);
    socket.on('data', (bytes) => (received += bytes.toString('latin1')));
  });
  const options = { maxConnections: 4, readFirstBytes: 1000, maxBodyBytes: 1500 };
  const front = await rig.front(pool.port, options);
  const post = (owner: string): string =>
    head(`X-Owner: ${owner}\r\nContent-Length: 500`) + 'x'.repeat(500);
  const clients = Array.from({ length: 5 }, () => new RawClient(front.port).send(post('a')));
  await until(() => front.told.length === 5 && sockets.length === 2);
  // Two calls have a connection. Three wait with 1,500 bytes, which is the limit.
  new RawClient(front.port).send(post('b'));
  await until(() => front.told.length === 6 && sockets.length === 3);
  // The call of b is treated as a large body, and large bodies have one connection here.
  new RawClient(front.port).send(post('b'));
  new RawClient(front.port).send('GET / HTTP/1.1\r\nHost: p\r\nX-Owner: c\r\n\r\n');
  await until(() => front.told.length === 8 && sockets.length === 4 && received.includes('GET /'));
  expect(received.match(/X-Owner: b/g)).toHaveLength(1);
  for (const client of clients) client.leave();
  await front.outcomes(5);
});

describe('slow uploads', () => {
  const large = (owner: string, sent: number): string =>
    head(`X-Owner: ${owner}\r\nContent-Length: 200000`) + 'x'.repeat(sent);
  const options = { maxConnections: 8, readFirstBytes, slowUploadMs: 300, idleTimeoutMs: 800 };

  /** A client that has sent the first bytes of a large body, and sends a byte now and then. */
  async function drip(front: Awaited<ReturnType<Rig['front']>>, owner: string): Promise<RawClient> {
    const before = front.told.length;
    const client = new RawClient(front.port).send(large(owner, 2000));
    await until(() => front.told.length > before);
    const timer = setInterval(() => client.send('x'), 50);
    rig.onClose(() => clearInterval(timer));
    return client;
  }

  test('yield to other large bodies that wait for a connection', async () => {
    const pool = await rig.cannedPool(answer);
    const front = await rig.front(pool.port, options);
    const slow = [await drip(front, 'a'), await drip(front, 'b')];
    await until(() => pool.sockets.length === 2);
    const whole = new RawClient(front.port).send(large('c', 200_000));
    expect(await whole.has('ok')).toMatch(/^HTTP\/1.1 200/);
    // The first one was slow for longest.
    expect(await slow[0]!.has('unknown')).toMatch(/^HTTP\/1.1 408 /);
    expect(slow[1]!.received).toBe('');
    expect(front.told[0]?.outcomes).toEqual([{ kind: 'slow-body', phase: 'unknown' }]);
  });

  test('go on while no other large body waits', async () => {
    const pool = await rig.cannedPool(answer);
    const front = await rig.front(pool.port, options);
    await drip(front, 'a');
    await drip(front, 'b');
    await new Promise((resolve) => setTimeout(resolve, 4 * options.slowUploadMs));
    expect(front.told.flatMap(({ outcomes }) => outcomes)).toEqual([]);
  });
});
