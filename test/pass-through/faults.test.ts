import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import net from 'node:net';
import type { FaultName, FaultPhase } from '../../src/core/messages/fault.ts';
import { deafPort } from '../support/deaf-port.ts';
import { ask, RawClient, Rig, until, type Front } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.close());

const get = 'GET /a HTTP/1.1\r\nHost: x\r\n\r\n';
const getAndClose = 'GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

/** Sends a request. Expects an answer of the proxy with this fault, and one call of the observer. */
async function expectFault(front: Front, phase: FaultPhase, name: FaultName): Promise<void> {
  const answer = await ask(front.port, getAndClose);
  const fault = { phase, name };
  expect(answer).toMatch(phase === 'unsent' ? /^HTTP\/1\.1 503 / : /^HTTP\/1\.1 504 /);
  expect(answer.endsWith(JSON.stringify(fault))).toBe(true);
  const last = front.told.at(-1);
  expect(last?.responded).toEqual([]);
  expect(last?.faults).toEqual([fault]);
  expect(last?.outcomes).toEqual([{ kind: 'failed', fault, responded: false }]);
}

/** Sends a request, and calls `onBegin` once `begin` is received. Expects a detectably truncated answer. */
async function expectCut(
  front: Front,
  name: FaultName,
  begin: string,
  onBegin = (): void => undefined,
): Promise<void> {
  const client = new RawClient(front.port).send(get);
  await client.has(begin);
  onBegin();
  const answer = await client.all();
  expect(answer).toContain('HTTP/1.1 200 OK');
  expect(answer).not.toMatch(/\r\n0\r\n\r\n$/);
  expect(front.told[0]?.responded).toEqual([200]);
  expect(front.told[0]?.faults).toEqual([]);
  expect(await front.outcomes(1)).toEqual([
    { kind: 'failed', fault: { phase: 'unknown', name }, responded: true },
  ]);
}

describe('before the request is sent', () => {
  test('a refused connection', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    server.close();
    const front = await rig.front(port);
    await expectFault(front, 'unsent', 'connection_refused');
    expect(front.passThrough.openConnections()).toBe(0);
  });

  test('refused connections for all that wait for one', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    server.close();
    const front = await rig.front(port, { maxConnections: 1 });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => ask(front.port, getAndClose)),
    );
    for (const answer of answers) expect(answer).toContain('connection_refused');
    expect(front.told.every((entry) => entry.faults[0]?.phase === 'unsent')).toBe(true);
  });

  test('a name that cannot be resolved', async () => {
    const front = await rig.front(new URL('http://pool.invalid'));
    await expectFault(front, 'unsent', 'dns_error');
  });

  test('a connection that is never made', async () => {
    const port = await deafPort();
    const front = await rig.front(port, { connectTimeoutMs: 200 });
    await expectFault(front, 'unsent', 'connection_timeout');
    expect(front.passThrough.openConnections()).toBe(0);
  });

  test('a wait for a connection beyond the idle time', async () => {
    const pool = await rig.rawPool(() => undefined);
    const front = await rig.front(pool.port, { maxConnections: 1, idleTimeoutMs: 200 });
    const poolTaken = new RawClient(front.port).send(
      'POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n',
    );
    await until(() => pool.sockets.length === 1);
    // The upload has traffic, so its call continues. The call behind it has none.
    const drip = setInterval(() => poolTaken.send('x'), 50);
    await expectFault(front, 'unsent', 'connection_limit_reached');
    clearInterval(drip);
    expect(pool.sockets).toHaveLength(1);
    expect(front.told[0]?.outcomes).toEqual([]);
  });
});

describe('after the request is sent', () => {
  test('a connection that is reset', async () => {
    const pool = await rig.rawPool((socket) => socket.once('data', () => socket.resetAndDestroy()));
    await expectFault(await rig.front(pool.port), 'unknown', 'connection_terminated');
  });

  test('a connection that is closed', async () => {
    const pool = await rig.rawPool((socket) => socket.once('data', () => socket.end()));
    await expectFault(await rig.front(pool.port), 'unknown', 'connection_terminated');
  });

  test('a reused connection that is reset', async () => {
    let requests = 0;
    const pool = await rig.rawPool((socket) => {
      socket.on('data', () => {
        requests++;
        if (requests === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
        else socket.resetAndDestroy();
      });
    });
    const front = await rig.front(pool.port);
    await ask(front.port, getAndClose);
    await expectFault(front, 'unknown', 'connection_terminated');
    expect(pool.sockets).toHaveLength(1);
    expect(requests).toBe(2);
  });

  test.each([
    ['text', 'who are you?\r\n\r\n'],
    ['a truncated head', 'HTTP/1.1 200 OK\r\nContent-'],
    ['a field without a name', 'HTTP/1.1 200 OK\r\n: x\r\n\r\n'],
    ['a length twice', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    ],
    ['a status of 99', 'HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n'],
    ['control characters in the reason', 'HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n'],
    ['a head that is too large', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`],
  ])('%s instead of an answer', async (what, answer) => {
    const pool = await rig.rawPool((socket) => socket.once('data', () => socket.end(answer)));
    const name = what === 'a truncated head' ? 'connection_terminated' : 'http_protocol_error';
    await expectFault(await rig.front(pool.port), 'unknown', name);
  });

  test('no answer within the idle time', async () => {
    const pool = await rig.rawPool((socket) => socket.resume());
    const front = await rig.front(pool.port, { idleTimeoutMs: 200 });
    await expectFault(front, 'unknown', 'http_response_timeout');
    await until(() => pool.sockets[0]?.destroyed === true);
  });

  test('a body that ends too early', async () => {
    const pool = await rig.rawPool((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'));
    });
    await expectCut(await rig.front(pool.port), 'http_response_incomplete', 'abc');
  });

  test('a body without its last chunk', async () => {
    const pool = await rig.rawPool((socket) => {
      const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
      socket.once('data', () => socket.end(`${head}3\r\nabc\r\n`));
    });
    await expectCut(await rig.front(pool.port), 'http_response_incomplete', 'abc');
  });

  test('a body with a broken chunk', async () => {
    let goOn = (): void => undefined;
    const pool = await rig.rawPool((socket) => {
      goOn = () => socket.write('zz\r\n');
      const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
      socket.once('data', () => socket.write(`${head}3\r\nabc\r\n`));
    });
    const front = await rig.front(pool.port);
    await expectCut(front, 'http_protocol_error', 'abc', () => goOn());
  });

  test('a connection that is reset in the middle of a body', async () => {
    let reset = (): void => undefined;
    const pool = await rig.rawPool((socket) => {
      reset = () => socket.resetAndDestroy();
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'));
    });
    const front = await rig.front(pool.port);
    await expectCut(front, 'connection_terminated', 'abc', () => reset());
  });

  test('a body that stalls', async () => {
    const pool = await rig.rawPool((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'));
    });
    const front = await rig.front(pool.port, { idleTimeoutMs: 200 });
    await expectCut(front, 'http_response_timeout', 'abc');
    await until(() => pool.sockets[0]?.destroyed === true);
  });

  test('a truncated body for an HTTP/1.0 client, which is reset because a normal end looks complete', async () => {
    let end = (): void => undefined;
    const pool = await rig.rawPool((socket) => {
      end = () => socket.end();
      const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
      socket.once('data', () => socket.write(`${head}3\r\nabc\r\n`));
    });
    const { port } = await rig.front(pool.port);
    const client = new RawClient(port);
    const reset = once(client.socket, 'error');
    client.send('GET /a HTTP/1.0\r\n\r\n');
    await client.has('abc');
    end();
    expect(await reset).toMatchObject([{ code: 'ECONNRESET' }]);
  });
});

describe('traffic', () => {
  test('in an upload or an answer restarts the idle timeout', async () => {
    const pool = await rig.rawPool((socket) => {
      let received = '';
      socket.on('data', (chunk) => {
        received += chunk.toString();
        if (!received.endsWith('zzzzzz')) return;
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n');
        drip(6, () => socket.write('y'));
      });
    });
    const front = await rig.front(pool.port, { idleTimeoutMs: 400 });
    const head = 'POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 6\r\n\r\n';
    const client = new RawClient(front.port).send(head);
    drip(6, () => client.send('z'));
    expect(await client.all()).toMatch(/yyyyyy$/);
    expect(await front.outcomes(1)).toEqual([{ kind: 'answered', status: 200 }]);
  });
});

/** Calls `act` a number of times, at intervals of 100 ms. */
function drip(times: number, act: () => void): void {
  const timer = setInterval(() => {
    act();
    if (--times === 0) clearInterval(timer);
  }, 100);
}
