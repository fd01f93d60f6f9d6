import { describe, expect, test } from '@jest/globals';
import { batchRequest, messagesIn, statusesIn } from '../batch/batch-text.ts';
import { bearer, send } from '../http-client.ts';
import { base, batchUrl, pool, threeParts } from '../each-pool.ts';

describe('a rule', () => {
  const status = { kind: 'status', status: 503 } as const;
  const statusOf = async (path: string, method = 'GET', user = 'ann') =>
    (await send(`${pool.url}${base}/${path}`, { method, headers: bearer(user) })).status;

  test('affects one request by default', async () => {
    pool.faults.add({ on: {}, fault: status });
    expect([await statusOf('me'), await statusOf('me')]).toEqual([503, 200]);
  });

  test('skips `skip` requests, and then affects `times` requests', async () => {
    pool.faults.add({ on: {}, times: 2, skip: 1, fault: status });
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push(await statusOf('me'));
    expect(statuses).toEqual([200, 503, 503, 200]);
  });

  test('with infinite times works until the script is cleared', async () => {
    pool.faults.add({ on: {}, times: Infinity, fault: status });
    expect([await statusOf('me'), await statusOf('me')]).toEqual([503, 503]);
    pool.faults.clear();
    expect(await statusOf('me')).toBe(200);
  });

  test('takes effect after the previous rule is used up', async () => {
    pool.faults.add({ on: {}, fault: status });
    pool.faults.add({ on: {}, fault: { kind: 'status', status: 500 } });
    expect([await statusOf('me'), await statusOf('me'), await statusOf('me')]).toEqual([
      503, 500, 200,
    ]);
  });

  test.each([
    [{ method: 'POST' }, 'me/note', 'POST'],
    [{ target: `${base}/me/note` }, 'me/note?x=1', 'GET'],
    [{ target: `${base}/me/note?x=1` }, 'me/note?x=1', 'GET'],
    [{ target: /note\?x=\d$/ }, 'me/note?x=1', 'GET'],
    [{ kind: 'single' as const, user: 'ann' }, 'me/note', 'GET'],
  ])('for %p affects no other request', async (on, path, method) => {
    pool.faults.add({ on, times: Infinity, fault: status });
    expect(await statusOf(path, method)).toBe(503);
    const other = await send(`${pool.url}/ucwa/oauth/v1/applications/9/me`, {
      headers: bearer('bob'),
    });
    expect(other.status).toBe(200);
  });

  test('for parts affects only matching parts', async () => {
    pool.faults.add({ on: { kind: 'part', method: 'GET', target: /note/ }, fault: status });
    const answer = await send(batchUrl, batchRequest('ann', threeParts));
    expect(statusesIn(answer)).toEqual([200, 204, 503]);
    expect(messagesIn(answer)[2]).toContain('{"code":"ServiceUnavailable"');
    expect(pool.ledger.entries()).toHaveLength(2);
  });

  test('with an impossible fault is refused by add()', () => {
    const fault = { kind: 'truncate', afterBytes: 1 } as const;
    expect(() => pool.faults.add({ on: { kind: 'part' }, fault })).toThrow(
      'fault truncate does not happen to a part',
    );
  });
});
