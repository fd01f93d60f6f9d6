import net from 'node:net';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import type { Fault } from '../../../src/simulator/faults/fault.ts';
import { batchRequest, batchText, boundary, statusesIn } from '../batch/batch-text.ts';
import { bearer, exchangeRaw, requestText, send } from '../http-client.ts';
import { base, batchUrl, pool, sendBatch, threeParts } from '../each-pool.ts';

/** Posts a batch over a plain socket, and returns the head and body of the answer. */
async function readBatch(...faults: Fault[]) {
  if (faults.length > 0) pool.faults.add({ on: { kind: 'batch' }, fault: faults });
  const headers = { 'Content-Type': `multipart/batching;boundary=${boundary}`, ...bearer('ann') };
  const { received, ending } = await exchangeRaw(
    pool.port,
    requestText('POST', `${base}/batch`, headers, batchText(threeParts)),
  );
  const end = received.indexOf('\r\n\r\n');
  return { head: received.toString('latin1', 0, end), body: received.subarray(end + 4), ending };
}

function ran(): number {
  return pool.ledger.entries().length;
}

describe('faults after execution', () => {
  test.each([
    { kind: 'hang' },
    { kind: 'reset', at: 'beforeHead' },
    { kind: 'status', status: 500, execute: true },
    { kind: 'html', execute: true },
    { kind: 'junk', execute: true },
  ] as const)('%p runs all parts', async (fault) => {
    pool.faults.add({ on: { kind: 'batch' }, fault });
    const leaving = new AbortController();
    const { signal } = leaving;
    const sent = send(batchUrl, { ...batchRequest('ann', threeParts), signal });
    const ended = sent.catch(() => undefined);
    while (ran() < 3) await new Promise(setImmediate);
    leaving.abort();
    await ended;
    expect(ran()).toBe(3);
  });

  test('reset closes the connection before the head, after it, or within the body', async () => {
    expect(await readBatch({ kind: 'reset', at: 'beforeHead' })).toMatchObject({
      head: '',
      ending: 'ECONNRESET',
    });
    const afterHead = await readBatch({ kind: 'reset', at: 'afterHead' });
    expect([afterHead.head.slice(0, 15), afterHead.body.length, afterHead.ending]).toEqual([
      'HTTP/1.1 200 OK',
      0,
      'ECONNRESET',
    ]);
    const within = await readBatch({ kind: 'reset', at: 77 });
    expect([within.body.length, within.ending]).toEqual([77, 'ECONNRESET']);
    expect(ran()).toBe(9);
  });

  test('reset also works for a byte stream', async () => {
    pool.faults.add({ on: { target: '/simulator/bytes' }, fault: { kind: 'reset', at: 150_000 } });
    const { received, ending } = await exchangeRaw(
      pool.port,
      requestText('GET', '/simulator/bytes?n=1000000', {}),
    );
    expect(received.length - received.indexOf('\r\n\r\n') - 4).toBe(150_000);
    expect(ending).toBe('ECONNRESET');
  });

  test('truncate closes the connection in an orderly way, with each framing', async () => {
    const whole = await readBatch();
    const length = /Content-Length: (\d+)/.exec(whole.head)?.[1];
    const promised = await readBatch({ kind: 'truncate', afterBytes: 100 });
    expect(promised.head).toContain(`Content-Length: ${length}\r\n`);
    expect([promised.body.length, promised.ending]).toEqual([100, 'end']);
    const chunked = await readBatch({ kind: 'truncate', afterBytes: 100, framing: 'chunked' });
    expect(chunked.head).toContain('Transfer-Encoding: chunked');
    expect(chunked.body.toString()).toMatch(/^64\r\n[^]{100}\r\n$/);
    expect(chunked.ending).toBe('end');
    const complete = await readBatch({ kind: 'truncate', afterBytes: 100, framing: 'complete' });
    expect(complete.head).toContain('Content-Length: 100\r\n');
    expect([complete.body.length, complete.ending]).toEqual([100, 'end']);
  });

  test('truncate can end the body at every byte', async () => {
    const { body } = await readBatch();
    for (let afterBytes = 0; afterBytes <= body.length; afterBytes += 97) {
      expect((await readBatch({ kind: 'truncate', afterBytes })).body).toHaveLength(afterBytes);
    }
  });

  test('chunks sends the whole body in several writes', async () => {
    pool.faults.add({ on: {}, fault: { kind: 'chunks', sizes: [1, 2, 40], pauseMs: 5 } });
    const sizes: number[] = [];
    const received = await new Promise<string>((resolve) => {
      let text = '';
      const socket = net.connect(pool.port, '127.0.0.1');
      socket.write(requestText('GET', `${base}/me/note`, bearer('ann')));
      socket.on('data', (chunk) => {
        sizes.push(chunk.length);
        text += chunk.toString();
      });
      socket.on('close', () => resolve(text));
    });
    expect(received).toMatch(/\r\n\r\n\{"message":"".*"rel":"note"\}$/);
    expect(sizes.slice(1, 3)).toEqual([2, 40]);
  });

  test('gzip compresses even if the client does not accept it', async () => {
    const answer = await sendBatch({ kind: 'gzip' });
    expect(answer.headers['content-encoding']).toBe('gzip');
    expect(statusesIn({ ...answer, body: gunzipSync(answer.body) })).toEqual([200, 204, 200]);
  });
});

test('a hanging part delays the whole batch, and all its calls stay outstanding', async () => {
  pool.setLimit(3);
  pool.faults.add({ on: { kind: 'part', method: 'POST' }, fault: { kind: 'hang' } });
  const leaving = new AbortController();
  const hanging = send(batchUrl, { ...batchRequest('ann', threeParts), signal: leaving.signal });
  while (ran() < 3) await new Promise(setImmediate);
  const single = () => send(`${pool.url}${base}/me`, { headers: bearer('ann') });
  expect((await single()).status).toBe(429);
  leaving.abort();
  await expect(hanging).rejects.toThrow();
  while ((await single()).status !== 200) await new Promise(setImmediate);
});
