import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { batchRequest, get, statusesIn } from './batch/batch-text.ts';
import { bearer, json, send } from './http-client.ts';

const base = '/ucwa/oauth/v1/applications/104';
let pool: Simulator;

beforeEach(async () => {
  pool = await startSimulator({ latency: 0, applications: 'any' });
});
afterEach(() => pool.stop());

function batch(size: number, token = 'ann', headers: Record<string, string> = {}) {
  const parts = Array.from({ length: size }, () => get(`${base}/me`));
  return send(`${pool.url}${base}/batch`, batchRequest(token, parts, headers));
}

function single(token = 'ann') {
  return send(`${pool.url}${base}/me`, { headers: bearer(token) });
}

describe('the limit on outstanding calls', () => {
  test('is 100: a batch of 100 calls runs, a batch of 101 calls is refused', async () => {
    expect(statusesIn(await batch(100))).toHaveLength(100);
    pool.ledger.clear();
    const refused = await batch(101);
    expect([refused.status, json(refused)['code']]).toEqual([429, 'TooManyRequests']);
    expect(refused.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(pool.ledger.entries()).toEqual([]);
    expect(pool.stats()).toMatchObject({ batches: 2, parts: 100, refused429: 1 });
  });

  test('answers in XML to a client that accepts XML', async () => {
    const refused = await batch(101, 'ann', { Accept: 'application/xml' });
    expect(refused.body.toString()).toContain('<code>TooManyRequests</code>');
  });

  test('counts the unanswered calls of a user over all batches, tokens and applications', async () => {
    pool.faults.add({ on: { kind: 'part', user: 'ann' }, fault: { kind: 'hang' } });
    const leaving = new AbortController();
    const parts = Array.from({ length: 60 }, () => get(`${base}/me`));
    const hanging = send(`${pool.url}${base}/batch`, {
      ...batchRequest('ann', parts),
      signal: leaving.signal,
    });
    while (pool.ledger.entries().length < 60) await new Promise(setImmediate);
    expect((await batch(41, 'ann-phone')).status).toBe(429);
    const elsewhere = await send(
      `${pool.url}/ucwa/oauth/v1/applications/105/batch`,
      batchRequest('ann-tab', Array<string>(41).fill(get('/ucwa/oauth/v1/applications/105/me'))),
    );
    expect(elsewhere.status).toBe(429);
    expect((await batch(40, 'ann-phone')).status).toBe(200);
    leaving.abort();
    await expect(hanging).rejects.toThrow();
    while ((await batch(100)).status === 429) await new Promise(setImmediate);
    expect(pool.stats().refused429).toBeGreaterThanOrEqual(2);
  });

  test('is separate for each user', async () => {
    pool.occupy('ann', 100);
    const bobs = await send(`${pool.url}/ucwa/oauth/v1/applications/200/me`, {
      headers: bearer('bob'),
    });
    expect(bobs.status).toBe(200);
  });

  test('counts single calls, and reserved calls of other devices', async () => {
    pool.occupy('ann', 99);
    expect((await single()).status).toBe(200);
    expect((await batch(2)).status).toBe(429);
    pool.occupy('ann', 100);
    const refused = await single();
    expect([refused.status, json(refused)['code']]).toEqual([429, 'TooManyRequests']);
    pool.occupy('ann', 0);
    expect((await single()).status).toBe(200);
    expect(pool.stats()).toMatchObject({ singles: 2, refused429: 2 });
  });

  test('can be changed at any time', async () => {
    pool.setLimit(2);
    expect((await batch(3)).status).toBe(429);
    pool.setLimit(3);
    expect((await batch(3)).status).toBe(200);
  });

  test.each([
    [false, 200],
    [true, 429],
  ])('counts parked polls: %p', async (longPollCounts, status) => {
    await pool.stop();
    pool = await startSimulator({ latency: 0, applications: 'any', limit: 1, longPollCounts });
    const leaving = new AbortController();
    const poll = send(`${pool.url}${base}/events?ack=1`, {
      headers: bearer('ann'),
      signal: leaving.signal,
    });
    while (pool.stats().parkedPolls === 0) await new Promise(setImmediate);
    expect((await single()).status).toBe(status);
    leaving.abort();
    await expect(poll).rejects.toThrow();
    while (pool.stats().parkedPolls > 0) await new Promise(setImmediate);
    expect((await single()).status).toBe(200);
  });
});
