import { describe, expect, test } from '@jest/globals';
import { statusesIn } from '../batch/batch-text.ts';
import { bearer, exchangeRaw, json, requestText, send } from '../http-client.ts';
import { base, pool, sendBatch } from '../each-pool.ts';

function ran(): number {
  return pool.ledger.entries().length;
}

describe('faults before execution', () => {
  test('status answers with the error of UCWA, in the media type that the caller accepts', async () => {
    const answer = await sendBatch({ kind: 'status', status: 429, headers: ['Retry-After', '1'] });
    expect([answer.status, json(answer)['code'], answer.headers['retry-after']]).toEqual([
      429,
      'TooManyRequests',
      '1',
    ]);
    expect(ran()).toBe(0);
    expect(pool.ledger.requests()[0]?.parts).toHaveLength(3);
  });

  test('status can have its own body and headers', async () => {
    const answer = await sendBatch({
      ...{ kind: 'status', status: 401, body: '<html>', contentType: 'text/html' },
      headers: ['WWW-Authenticate', 'A', 'WWW-Authenticate', 'B'],
    });
    expect([answer.status, answer.headers['www-authenticate'], String(answer.body)]).toEqual([
      401,
      'A, B',
      '<html>',
    ]);
    expect(answer.headers['content-type']).toBe('text/html');
  });

  test('status can be sent while the request still arrives', async () => {
    pool.faults.add({ on: {}, fault: { kind: 'status', status: 413, early: true } });
    const head = requestText('POST', '/simulator/sink', { 'Content-Length': '1000000' });
    const { received } = await exchangeRaw(pool.port, head);
    expect(received.toString()).toMatch(/^HTTP\/1\.1 413 Payload Too Large\r\n/);
    expect(pool.ledger.requests()[0]).toMatchObject({ bodyBytes: 0, complete: false });
  });

  test('html answers with the page of a gateway', async () => {
    const answer = await sendBatch({ kind: 'html' });
    expect([answer.status, answer.headers['content-type'], ran()]).toEqual([200, 'text/html', 0]);
  });

  test('junk answers with bytes that are not HTTP', async () => {
    const { received } = await exchangeRaw(
      pool.port,
      requestText('GET', `${base}/me`, bearer('ann')),
    );
    expect(received.toString()).toContain('200 OK');
    pool.faults.add({ on: {}, times: 2, fault: { kind: 'junk' } });
    const junk = await exchangeRaw(pool.port, requestText('GET', `${base}/me`, bearer('ann')));
    expect(junk).toEqual({ received: Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'), ending: 'end' });
    await expect(sendBatch()).rejects.toMatchObject({ code: 'HPE_INVALID_CONSTANT' });
  });

  test.each(['hang', 'reset'] as const)('%s with execute: false runs nothing', async (kind) => {
    const fault =
      kind === 'hang'
        ? { kind, execute: false }
        : { kind, at: 'beforeHead' as const, execute: false };
    pool.faults.add({ on: {}, fault });
    const signal = AbortSignal.timeout(50);
    await expect(
      send(`${pool.url}${base}/me`, { headers: bearer('ann'), signal }),
    ).rejects.toMatchObject({
      code: kind === 'hang' ? 'ABORT_ERR' : 'ECONNRESET',
    });
    expect(ran()).toBe(0);
  });

  test('delay delays the answer', async () => {
    pool.faults.add({
      on: { kind: 'part', target: `${base}/me` },
      fault: { kind: 'delay', ms: 50 },
    });
    const before = performance.now();
    expect(statusesIn(await sendBatch())).toEqual([200, 204, 200]);
    expect(performance.now() - before).toBeGreaterThan(45);
    expect(pool.ledger.entries().map(({ position }) => position)).toEqual([1, 2, 0]);
  });
});
