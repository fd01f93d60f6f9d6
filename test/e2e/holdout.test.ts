/** `batching.share`: users with batches and users without, side by side. */
import { expect, test } from '@jest/globals';
import { assertNothingShown } from '../support/canaries.ts';
import { readAdmin } from '../support/metric-values.ts';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { UcwaClient } from '../support/ucwa-client.ts';

const held = {
  UCWA_PROXY_BATCHING_MODE: 'fixed',
  UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
  UCWA_PROXY_BATCHING_MAX_PARTS: '4',
};
const paths = ['me/note', 'me/presence', 'me/phones', 'policies'];

/** The hash decides about the group of each user. */
const userHashKey = Buffer.alloc(32, 1);

/** An application belongs to one user. */
const usersOf = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    token: `cwt=sim-user${i}`,
    app: `/ucwa/oauth/v1/applications/${2000 + i}`,
  }));

test('the figures of both groups are in the metrics, in a table and in a sentence', async () => {
  const pool = await startPool();
  const proxy = await startProxy(
    pool.url,
    { ...held, UCWA_PROXY_BATCHING_SHARE: '0.5' },
    { userHashKey },
  );
  const client = new UcwaClient(proxy.url);
  const users = usersOf(8);
  const askAll = async (): Promise<void> => {
    for (const { token, app } of users)
      await Promise.all(paths.map((path) => client.ask(`${app}/${path}`, { token })));
  };
  // The first calls prove the users, so that their next calls do not wait as those of new users.
  await askAll();
  const before = await proxy.metrics();
  const requestsBefore = pool.stats().requests;
  await askAll();
  const after = await proxy.metrics();
  const grown = (name: string, group: string): number => {
    const series = `ucwa_proxy_holdout_${name}_total{group="${group}"}`;
    return after.get(series)! - before.get(series)!;
  };
  const [batched, direct] = [grown('calls', 'batched'), grown('calls', 'direct')];
  expect(batched).toBeGreaterThan(0);
  expect(direct).toBeGreaterThan(0);
  expect(batched + direct).toBe(users.length * paths.length);
  expect(grown('requests', 'direct')).toBeGreaterThanOrEqual(direct);
  // On a slow machine a batch is late, and the proxy sends its GETs a second time.
  const requests = grown('requests', 'batched') + grown('requests', 'direct');
  expect(requests).toBeGreaterThanOrEqual(pool.stats().requests - requestsBefore);
  expect(grown('bytes', 'direct')).toBeGreaterThan(direct * 100);
  expect(grown('errors', 'batched') + grown('errors', 'direct')).toBe(0);

  const { body } = await readAdmin(proxy.ports.admin, '/config');
  assertNothingShown('/config', [body]);
  const { holdout } = JSON.parse(body) as {
    holdout: {
      sentence: string;
      table: Array<{ measure: string; batched: number; direct: number }>;
    };
  };
  expect(holdout.sentence).toMatch(/^users with batches against users without: requests/);
  expect(holdout.table.map(({ measure }) => measure)).toEqual([
    ...['requests', 'p50', 'p95', 'errors', 'bytes'],
  ]);
  await proxy.stop();
  expect(proxy.log.join('\n')).toContain('holdout: users with batches against users without');
});
