/** `batching.verify`: answers of batches are compared with direct ones, and a route that differs leaves batches. */
import { describe, expect, test } from '@jest/globals';
import { assertNothingShown } from '../support/canaries.ts';
import { startFlippedPool } from '../support/flipped-pool.ts';
import { startPool } from '../support/pool.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { readAdmin } from '../support/metric-values.ts';
import { app, UcwaClient } from '../support/ucwa-client.ts';

const verified = {
  UCWA_PROXY_BATCHING_MODE: 'fixed',
  UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
  UCWA_PROXY_BATCHING_MAX_PARTS: '4',
  UCWA_PROXY_BATCHING_VERIFY: '1',
};
const paths = ['me/note', 'me/presence', 'me/phones', 'policies'];
const differing = `${app}/me/note`;

/** Sends a full batch, and returns the texts of the answers. */
async function askAll(client: UcwaClient, round: number | string): Promise<string[]> {
  const answers = await Promise.all(paths.map((path) => client.ask(`${app}/${path}?${round}`)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  return answers.map(({ text }) => text);
}

const comparedSeries = ['same', 'differs', 'noisy', 'skipped'].map(
  (outcome) => `ucwa_proxy_parity_total{outcome="${outcome}"}`,
);

/** Resolves when this number of GETs were compared, or were not compared for lack of room. */
async function untilCompared(proxy: TestProxy, count: number): Promise<number[]> {
  for (;;) {
    const metrics = await proxy.metrics();
    const values = comparedSeries.map((series) => metrics.get(series) ?? NaN);
    if (values.reduce((sum, value) => sum + value, 0) >= count) return values;
  }
}

async function report(proxy: TestProxy): Promise<Record<string, unknown>> {
  const { body } = await readAdmin(proxy.ports.admin, '/config');
  assertNothingShown('/config', [body]);
  return JSON.parse(body) as Record<string, unknown>;
}

describe('an honest pool', () => {
  test('is compared with direct answers, and a sentence says the result', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url, verified);
    const client = new UcwaClient(proxy.url);
    for (let round = 1; round <= 3; round += 1) {
      await askAll(client, round);
      await untilCompared(proxy, round * paths.length);
    }
    const metrics = await proxy.metrics();
    expect(comparedSeries.map((series) => metrics.get(series))).toEqual([12, 0, 0, 0]);
    expect(metrics.get('ucwa_proxy_parity_compared')).toBe(12);
    // Each comparison sent two requests that no client asked for: three batches and 24 GETs for 12 calls.
    // On a slow machine a batch can be late, and its calls are asked again.
    const { batches, requests } = pool.stats();
    expect([batches, requests >= 27]).toEqual([3, true]);
    expect(metrics.get('ucwa_proxy_upstream_requests_saved')).toBe(12 - requests);
    const sentence =
      'the answer from a batch differs in less than 24 % with 95 % confidence, n = 12';
    expect(await report(proxy)).toMatchObject({ parity: { sentence }, unbatchedRoutes: [] });
    await proxy.stop();
    expect(proxy.log.join('\n')).toContain(`parity: ${sentence}`);
  });

  test('gets no direct GETs of a user with calls up to half of the limit', async () => {
    const pool = await startPool();
    const slow = `${app}/me/location`;
    pool.faults.add({ on: { target: slow }, times: Infinity, fault: { kind: 'hang' } });
    const proxy = await startProxy(pool.url, verified);
    const client = new UcwaClient(proxy.url);
    const clients: AbortController[] = [];
    // The proxy believes that a new pool allows 20 calls.
    const hanging = Array.from({ length: 12 }, (_, i) => {
      const leaving = new AbortController();
      clients.push(leaving);
      return client.ask(`${slow}?${i}`, { signal: leaving.signal }).catch(() => undefined);
    });
    await proxy.untilMetric('ucwa_proxy_outstanding_calls', (calls) => calls === 12);
    await askAll(client, 1);
    expect(await untilCompared(proxy, paths.length)).toEqual([0, 0, 0, paths.length]);
    expect(pool.ledger.requests().filter(({ parts }) => parts.length === 0)).toEqual([]);
    for (const one of clients) one.abort();
    await Promise.all(hanging);
  });

  test('gets no direct GETs for writes, for calls without a batch, or with the setting 0', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url, { ...verified, UCWA_PROXY_BATCHING_MODE: 'adaptive' });
    const client = new UcwaClient(proxy.url);
    await client.ask(differing);
    const write = { method: 'POST', body: '{"message":"here"}' };
    const headers = { 'Content-Type': 'application/json' };
    await client.ask(differing, { ...write, headers });
    expect(pool.stats().requests).toBe(2);
    const without = await startProxy(pool.url, { ...verified, UCWA_PROXY_BATCHING_VERIFY: '0' });
    await askAll(new UcwaClient(without.url), 1);
    expect(pool.stats().requests).toBe(3);
  });
});

test('a route with other answers in batches leaves them, and the other routes stay', async () => {
  const { url, pool } = await startFlippedPool({
    answer: (answer, { isBatch }) => {
      // The length stays the same, and the part stays whole.
      if (isBatch) answer.body = answer.body.replaceAll('"note"', '"nota"');
    },
  });
  const proxy = await startProxy(url, verified);
  const client = new UcwaClient(proxy.url);
  for (let round = 1; round <= 8; round += 1) {
    const [note] = await askAll(client, round);
    expect(note).toContain('"nota"');
    await untilCompared(proxy, round * paths.length);
  }
  await proxy.untilLogged(/a route leaves batches/);
  const metrics = await proxy.metrics();
  expect(metrics.get('ucwa_proxy_parity_total{outcome="differs"}')).toBe(8);
  expect(metrics.get('ucwa_proxy_parity_differences_total{kind="body"}')).toBe(8);
  expect(metrics.get('ucwa_proxy_unbatched_routes{reason="differs"}')).toBe(1);
  expect(proxy.log.filter((line) => line.includes('a route leaves batches'))).toHaveLength(1);
  expect(await report(proxy)).toMatchObject({
    unbatchedRoutes: [{ route: '/me/note', reason: 'differs' }],
  });

  const before = pool.stats();
  const note = client.ask(`${differing}?alone`);
  const others = paths.slice(1).map((path) => client.ask(`${app}/${path}?after`));
  const fourth = client.ask(`${app}/me/location?after`);
  expect((await note).text).toContain('"note"');
  await Promise.all([...others, fourth]);
  expect(pool.stats().batches - before.batches).toBe(1);
});

test('a route that fails in batches only leaves them, and each client gets its answer', async () => {
  const { url, pool } = await startFlippedPool({
    answer: (answer, { isBatch, body }) => {
      if (!isBatch || !body.includes('/me/note')) return;
      answer.status = 500;
      answer.headers = ['Content-Type', 'text/html'];
      answer.body = '<html>no</html>';
    },
  });
  const proxy = await startProxy(url, { ...verified, UCWA_PROXY_BATCHING_MAX_PARTS: '2' });
  const client = new UcwaClient(proxy.url);
  for (let round = 1; round <= 8; round += 1) {
    const targets = [`${differing}?${round}`, `${differing}?${round}b`];
    const answers = await Promise.all(targets.map((target) => client.ask(target)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    await untilCompared(proxy, Math.min(8, round * 2));
  }
  await proxy.untilLogged(/a route leaves batches/);
  const { batches } = pool.stats();
  await Promise.all([client.ask(`${differing}?x`), client.ask(`${differing}?y`)]);
  expect(pool.stats().batches).toBe(batches);
});
