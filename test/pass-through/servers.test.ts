/** Calls that are passed through to a pool of several servers. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { freePort } from '../support/free-port.js';
import { RawClient, Rig, ask, until } from './rig.ts';
import {
  type Started,
  askOften,
  ca,
  down,
  front,
  get,
  ok,
  post,
  resetting,
  secure,
  silent,
  tlsPool,
} from './servers-rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.close());

test('calls are spread over the servers', async () => {
  const pools = [await rig.cannedPool(ok), await rig.cannedPool(ok)];
  const { port } = await front(
    rig,
    pools.map((pool) => pool.port),
  );
  await askOften(6, port, get());
  expect(pools.map(({ requests }) => requests.length)).toEqual([3, 3]);
});

describe('a server that refuses connections', () => {
  test.each([
    ['a GET', get()],
    ['a POST', post('hello')],
    ['an upload that is larger than the buffers', post('x'.repeat(1_000_000))],
  ])('costs %s nothing', async (_, request) => {
    const pool = await rig.cannedPool(ok);
    const { port, log } = await front(rig, [await freePort(), pool.port], {
      readFirstBytes: 65_536,
    });
    expect(await askOften(4, port, request)).toEqual(Array(4).fill('200'));
    expect(pool.requests).toHaveLength(4);
    expect(log).toEqual(['s0 out: connect']);
  });

  test('an answer of another server is no evidence for it', async () => {
    const pool = await rig.cannedPool(ok);
    const { port, log, pool: servers } = await front(rig, [await freePort(), pool.port]);
    await askOften(2, port, get());
    expect(log).toEqual(['s0 out: connect']);
    expect(servers.set.servers.map(({ calls }) => calls)).toEqual([0, 0]);
  });

  test('if no server takes connections, the call fails as unsent', async () => {
    const { port, told } = await front(rig, [await freePort(), await freePort()]);
    expect(await askOften(1, port, post('x'))).toEqual(['503']);
    expect(told[0]!.faults).toEqual([{ phase: 'unsent', name: 'connection_refused' }]);
  });
});

describe('a call that may have run', () => {
  test('a GET moves to another server if its connection ends', async () => {
    const pool = await rig.cannedPool(ok);
    const first = await resetting(rig);
    const { port, told } = await front(rig, [first.port, pool.port]);
    expect(await askOften(4, port, get())).toEqual(Array(4).fill('200'));
    expect(first.requests()).toBeGreaterThan(0);
    expect(told.map(({ outcomes }) => outcomes.length)).toEqual([1, 1, 1, 1]);
  });

  test('a GET moves to another server if its server cannot serve requests', async () => {
    const pools = [await rig.cannedPool(down), await rig.cannedPool(ok)];
    const { port, told } = await front(
      rig,
      pools.map((pool) => pool.port),
    );
    expect(await askOften(4, port, get())).toEqual(Array(4).fill('200'));
    expect(told.map(({ responded }) => responded)).toEqual(Array(4).fill([200]));
  });

  test('a GET does not move if other requests to the pool have spent the moves', async () => {
    const pools = [await rig.cannedPool(down), await rig.cannedPool(ok)];
    const { port, pool } = await front(
      rig,
      pools.map((one) => one.port),
    );
    for (let n = 0; n < 1000; n += 1) pool.moves.spend();
    expect(await askOften(2, port, get())).toEqual(['503', '200']);
  });

  test('a POST never moves', async () => {
    const resets = await resetting(rig);
    const pools = [await rig.cannedPool(down), await rig.cannedPool(ok)];
    const { port } = await front(rig, [resets.port, ...pools.map((pool) => pool.port)]);
    expect(await askOften(3, port, post('x'))).toEqual(['504', '503', '200']);
    expect([resets.requests(), ...pools.map(({ requests }) => requests.length)]).toEqual([1, 1, 1]);
  });
});

test('a poll moves to another server when its server is ejected because it answers nothing', async () => {
  const frozen = await silent(rig);
  const pool = await rig.cannedPool(ok);
  const { port, pool: servers } = await front(rig, [frozen.port, pool.port]);
  const poll = ask(port, get('/events'));
  await frozen.untilRequest();
  const [server] = servers.set.servers;
  for (let n = 0; n < 2; n += 1) servers.set.checked(server!, false, true, performance.now());
  expect((await poll).slice(9, 12)).toBe('200');
});

test('a GET moves to another server when its server is ejected before its connection is open', async () => {
  // The kernel accepts the connection, and the handshake of TLS gets no answer.
  const frozen = await silent(rig);
  const pool = await tlsPool(rig);
  const { port, pool: servers, told } = await front(rig, [frozen.port, pool.port], secure, 'https');
  const answer = ask(port, get());
  await frozen.untilRequest();
  const [server] = servers.set.servers;
  for (let n = 0; n < 2; n += 1) servers.set.checked(server!, false, true, performance.now());
  expect((await answer).slice(9, 12)).toBe('200');
  expect(told[0]!.faults).toEqual([]);
});

describe('the server of a GET is ejected before it answered', () => {
  const ejectFirst = ({ pool: { set } }: Started): void => {
    const [server] = set.servers;
    for (let n = 0; n < 2; n += 1) set.checked(server!, false, true, performance.now());
  };
  const spendMoves = ({ pool }: Started): void => {
    for (let n = 0; n < 1000; n += 1) pool.moves.spend();
  };

  test('the GET goes on if its connection leads to another server', async () => {
    const pool = await rig.cannedPool('');
    const started = await front(rig, [await freePort(), pool.port]);
    const answer = ask(started.port, get());
    await until(() => pool.requests.length === 1);
    ejectFirst(started);
    await new Promise((resolve) => setImmediate(resolve));
    pool.sockets[0]!.write(ok);
    expect((await answer).slice(9, 12)).toBe('200');
    expect(pool.requests).toHaveLength(1);
  });

  test('the GET fails at once if it was sent and cannot move', async () => {
    const frozen = await silent(rig);
    const pool = await rig.cannedPool(ok);
    const started = await front(rig, [frozen.port, pool.port]);
    spendMoves(started);
    const answer = ask(started.port, get());
    await frozen.untilRequest();
    ejectFirst(started);
    expect((await answer).slice(9, 12)).toBe('504');
    expect(started.told[0]!.faults).toEqual([{ phase: 'unknown', name: 'http_response_timeout' }]);
    expect(pool.requests).toEqual([]);
  });

  test('the GET goes on if it cannot move, but its connection is not open yet', async () => {
    const frozen = await silent(rig);
    const pool = await tlsPool(rig);
    const options = { ...secure, connectTimeoutMs: 500 };
    const started = await front(rig, [frozen.port, pool.port], options, 'https');
    spendMoves(started);
    const answer = ask(started.port, get());
    await frozen.untilRequest();
    ejectFirst(started);
    expect((await answer).slice(9, 12)).toBe('200');
  });
});

test('a client that leaves ends the opening of its connection, so other calls never lack connections', async () => {
  const frozen = await rig.rawPool((socket) => socket.resume());
  const pool = await tlsPool(rig);
  const { port, passThrough } = await front(
    rig,
    [frozen.port, pool.port],
    { ...secure, maxConnections: 2, connectTimeoutMs: 60_000 },
    'https',
  );
  const answers: string[] = [];
  for (let sent = 0; sent < 24; sent += 1) {
    const before = frozen.sockets.length;
    const client = new RawClient(port).send(get());
    await until(() => client.closed || frozen.sockets.length > before);
    if (client.closed) answers.push(client.received.slice(9, 12));
    client.leave();
  }
  expect([...new Set(answers)]).toEqual(['200']);
  await until(() => frozen.sockets.every(({ destroyed }) => destroyed));
  expect(passThrough.openConnections()).toBeLessThan(2);
});

test('tls.servername is the name that the certificate of each server must have', async () => {
  const pools = [await tlsPool(rig), await tlsPool(rig)];
  const ports = pools.map(({ port }) => port);
  const { port } = await front(rig, ports, secure, 'https');
  expect(await askOften(4, port, get())).toEqual(Array(4).fill('200'));
  expect(pools.map(({ names }) => [...new Set(names)])).toEqual([['localhost'], ['localhost']]);
  const other = await front(
    rig,
    ports,
    { tls: () => ({ ca, servername: 'other.example' }) },
    'https',
  );
  expect(await askOften(1, other.port, get())).toEqual(['503']);
});

test('at the end, no connection is opened any more', async () => {
  const frozen = [await silent(rig), await silent(rig)];
  const { port, passThrough } = await front(
    rig,
    frozen.map((one) => one.port),
    { ...secure, connectTimeoutMs: 60_000 },
    'https',
  );
  const asked = ask(port, get());
  await Promise.race(frozen.map((one) => one.untilRequest()));
  await passThrough.stop();
  await asked;
  expect(passThrough.openConnections()).toBe(0);
});

test('all servers together have the limit of the pool', async () => {
  const pools = [await rig.cannedPool(''), await rig.cannedPool('')];
  const { port, passThrough, told } = await front(
    rig,
    pools.map((pool) => pool.port),
    { maxConnections: 3 },
  );
  const clients = Array.from({ length: 6 }, () => new RawClient(port).send(get()));
  const sent = (): number => pools.reduce((sum, { requests }) => sum + requests.length, 0);
  while (told.length < 6 || sent() < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  expect([sent(), passThrough.openConnections()]).toEqual([3, 3]);
  for (const { sockets } of pools) for (const socket of sockets) socket.write(ok);
  while (sent() < 6) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(passThrough.openConnections()).toBeLessThanOrEqual(4);
  for (const { sockets } of pools) for (const socket of sockets) socket.write(ok);
  for (const client of clients) expect(await client.all()).toContain('200 OK');
});

test('idle connections to a server that is ejected are closed', async () => {
  const pools = [await rig.cannedPool(ok), await rig.cannedPool(ok)];
  const { port, passThrough, pool } = await front(
    rig,
    pools.map((p) => p.port),
    { idleSocketTimeoutMs: 60_000 },
  );
  await askOften(2, port, get());
  expect(passThrough.openConnections()).toBe(2);
  const [server] = pool.set.servers;
  for (let n = 0; n < 2; n += 1) pool.set.checked(server!, false, true, performance.now());
  while (passThrough.openConnections() > 1) await new Promise((resolve) => setImmediate(resolve));
  expect(pools[0]!.sockets[0]!.destroyed || pools[0]!.sockets[0]!.readableEnded).toBe(true);
});

test('an answer of another server is whole, also if the settings lose the first server of its call', async () => {
  const { port: other, sockets } = await rig.cannedPool(
    'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok',
  );
  const { port, pool } = await front(rig, [await freePort(), other]);
  let [looks, isGone] = [0, false];
  pool.onGone.push(() => (isGone = true));
  const client = new RawClient(port).send(get());
  await client.has('\r\n\r\nok');
  pool.stillUses.unshift(() => (looks += 1) < 0);
  pool.replace({ servers: [`http://127.0.0.1:${other}`], fallback: [] });
  await until(() => looks > 1);
  expect(isGone).toBe(false);
  sockets[0]!.write('ay');
  expect((await client.all()).slice(-4)).toBe('okay');
  await until(() => isGone);
});
