import http from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { Timers } from '../../src/simulator/pool/timers.ts';
import { batchRequest, messagesIn, part } from './batch/batch-text.ts';
import { bearer, exchangeRaw, requestText, send } from './http-client.ts';

const base = '/ucwa/oauth/v1/applications/104';
let pool: Simulator;

beforeEach(async () => {
  pool = await startSimulator({ applications: 'any' });
});
afterEach(() => pool.stop());

describe('a simulator', () => {
  test('listens at its url, on the loopback interface', () => {
    expect(pool.port).toBeGreaterThan(0);
    expect(pool.url).toBe(`http://127.0.0.1:${pool.port}`);
  });

  test('rejects if its port is in use', async () => {
    await expect(startSimulator({ port: pool.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  test('closes polls, calls and idle connections when it stops', async () => {
    const agent = new http.Agent({ keepAlive: true });
    const idle = http.get(`${pool.url}/`, { agent }, (answer) => answer.resume());
    await new Promise((resolve) => idle.on('close', resolve));
    pool.faults.add({ on: { target: `${base}/me` }, fault: { kind: 'delay', ms: 60_000 } });
    const open = ['events?ack=1', 'me'].map((path) =>
      send(`${pool.url}${base}/${path}`, { headers: bearer('ann') }),
    );
    while (pool.stats().parkedPolls === 0 || pool.stats().requests < 3) {
      await new Promise(setImmediate);
    }
    const ended = Promise.allSettled(open);
    await pool.stop();
    expect((await ended).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(pool.stats().openConnections).toBe(0);
    agent.destroy();
  });

  test('counts requests and connections', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 3; i++) {
      const request = http.get(`${pool.url}${base}/me`, { agent, headers: bearer('ann') });
      await new Promise((resolve) =>
        request.on('response', (answer) => answer.resume().on('end', resolve)),
      );
    }
    await send(`${pool.url}/`);
    expect(pool.stats()).toMatchObject({ requests: 4, singles: 3, batches: 0, connections: 2 });
    agent.destroy();
  });

  test('has realistic latencies by default', async () => {
    const before = performance.now();
    await send(`${pool.url}${base}/people/search?query=a`, { headers: bearer('ann') });
    expect(performance.now() - before).toBeGreaterThan(75);
  });

  test('answers 100 Continue to Expect: 100-continue', async () => {
    const headers = {
      ...bearer('ann'),
      Expect: '100-continue',
      'Content-Type': 'application/json',
    };
    const { received } = await exchangeRaw(
      pool.port,
      requestText('POST', `${base}/me/note`, headers, '{"message":"x"}'),
    );
    expect(received.toString()).toMatch(
      /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 204 No Content\r\n/,
    );
  });
});

test('stopped timers do not fire', async () => {
  const timers = new Timers();
  const called: string[] = [];
  timers.after(10, () => called.push('stopped'));
  timers.stop();
  const cancel = timers.after(10, () => called.push('cancelled'));
  cancel();
  await timers.wait(20);
  expect(called).toEqual([]);
});

describe('the ledger', () => {
  test('finds executions by nonce; a header wins over the query, and the answer repeats it', async () => {
    const headers = { ...bearer('ann'), 'X-Nonce': 'n-1' };
    const single = await send(`${pool.url}${base}/me?nonce=other`, { headers });
    expect(single.headers['x-nonce']).toBe('n-1');
    const lines = [`GET ${base}/me HTTP/1.1`, 'Host: pool.test', 'X-Nonce: n-1'];
    const batch = await send(`${pool.url}${base}/batch`, batchRequest('ann', [part(lines)]));
    expect(messagesIn(batch)[0]).toContain('\r\nX-Nonce: n-1\r\n');
    const [first, second] = pool.ledger.executions('n-1');
    expect([first?.via, second?.via]).toEqual(['single', 'batch']);
    expect(second!.seq).toBe(first!.seq + 1);
    expect(second!.at).toBeGreaterThan(first!.at);
    expect(pool.ledger.executions('other')).toEqual([]);
  });

  test('keeps each request as received, even one that runs no call', async () => {
    await exchangeRaw(
      pool.port,
      requestText('POST', '/nowhere?A=%3d', { 'x-ODD': 'a  b' }, 'body'),
    );
    expect(pool.ledger.requests()).toMatchObject([
      {
        method: 'POST',
        target: '/nowhere?A=%3d',
        body: Buffer.from('body'),
        complete: true,
        parts: [],
      },
    ]);
    expect(pool.ledger.requests()[0]?.rawHeaders).toEqual(
      expect.arrayContaining(['x-ODD', 'a  b']),
    );
    expect(pool.ledger.entries()).toEqual([]);
  });

  test('is empty after clear()', async () => {
    await send(`${pool.url}${base}/me?nonce=n`, { headers: bearer('ann') });
    pool.ledger.clear();
    expect([pool.ledger.entries(), pool.ledger.executions('n'), pool.ledger.requests()]).toEqual([
      [],
      [],
      [],
    ]);
  });
});
