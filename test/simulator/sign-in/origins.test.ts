/** Web pages of other origins: the list of allowed origins, and the fields of CORS. */
import { describe, expect, test } from '@jest/globals';
import { startPool } from '../../support/pool.ts';
import { batchRequest, get } from '../batch/batch-text.ts';
import { bearer, send } from '../http-client.ts';

const base = '/ucwa/oauth/v1/applications/104';
const origin = 'https://app.example';
const allowed = { 'access-control-allow-origin': origin, vary: 'Origin' };

test('without a list, the pool has no CORS, and accepts any X-Ms-Origin', async () => {
  const pool = await startPool();
  const headers = { ...bearer('ann'), Origin: origin, 'X-Ms-Origin': origin };
  const answer = await send(`${pool.url}${base}/me`, { headers });
  expect(answer.status).toBe(200);
  expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
});

describe('with a list of origins', () => {
  test('a page of an unknown origin gets 403 with the reason', async () => {
    const pool = await startPool({ origins: [origin] });
    const ask = (from: string) =>
      send(`${pool.url}${base}/me`, { headers: { ...bearer('ann'), 'X-Ms-Origin': from } });
    expect((await ask('https://APP.example')).status).toBe(200);
    const refused = await ask('https://other.example');
    expect([refused.status, refused.headers['x-ms-diagnostics']]).toEqual([
      403,
      expect.stringMatching(/^28070;.*cross domain request from this origin/),
    ]);
  });

  test.each([[[origin]], [['*']]])('%s, answers have the fields of CORS', async (origins) => {
    const pool = await startPool({ origins });
    const headers = { ...bearer('ann'), Origin: origin };
    expect((await send(`${pool.url}${base}/me`, { headers })).headers).toMatchObject({
      ...allowed,
      'access-control-allow-credentials': 'true',
      'timing-allow-origin': origin,
      'access-control-expose-headers': expect.stringContaining('X-Ms-diagnostics'),
    });
    const unauthorized = await send(`${pool.url}${base}/me`, { headers: { Origin: origin } });
    expect([unauthorized.status, unauthorized.headers]).toMatchObject([401, allowed]);
  });

  test.each([true, false])(
    'a batch has them on the envelope, and not in its parts (streamed: %s)',
    async (streamParts) => {
      const pool = await startPool({ origins: [origin], streamParts });
      const batch = batchRequest('ann', [get(`${base}/me`), get(`${base}/me/note`)], {
        Origin: origin,
      });
      const answer = await send(`${pool.url}${base}/batch`, batch);
      expect(answer.headers).toMatchObject(allowed);
      expect(answer.body.toString()).not.toContain('Access-Control');
    },
  );

  test('a preflight request is answered without a credential', async () => {
    const pool = await startPool({ origins: [origin] });
    const preflight = (from: string) =>
      send(`${pool.url}${base}/me/note`, {
        method: 'OPTIONS',
        headers: { Origin: from, 'Access-Control-Request-Headers': 'authorization' },
      });
    expect((await preflight(origin)).headers).toMatchObject({
      ...allowed,
      'access-control-allow-headers': 'authorization',
      'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS',
    });
    const other = await preflight('https://other.example');
    expect(other.headers).not.toHaveProperty('access-control-allow-methods');
  });
});
