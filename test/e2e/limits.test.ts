/** The pool's limit of outstanding calls (429), on real sockets: callers do not notice it. */
import { describe, expect, test } from '@jest/globals';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { app, notes, UcwaClient, type Answer } from '../support/ucwa-client.ts';

const statuses = (answers: readonly Answer[]): number[] => [
  ...new Set(answers.map(({ status }) => status)),
];

/** How often each call ran, by its nonce or its target. On a slow machine a GET may be retried. */
function runs(pool: Simulator): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { method, target, nonce } of pool.ledger.entries()) {
    const name = `${method} ${nonce ?? target}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

describe('a refusal of a batch of 20 at a limit of 7', () => {
  test('appears in the metrics, with exact numbers of calls', async () => {
    const pool = await startPool({ limit: 7 });
    const proxy = await startProxy(pool.url, {
      UCWA_PROXY_BATCHING_MODE: 'fixed',
      UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
      UCWA_PROXY_BATCHING_MAX_PARTS: '20',
      // One request at a time, so that the numbers are the same in each run.
      UCWA_PROXY_BATCHING_MAX_IN_FLIGHT_PER_USER: '1',
    });
    const answers = await new UcwaClient(proxy.url).askAll(notes(20));
    expect(statuses(answers)).toEqual([200]);

    const metrics = await proxy.metrics();
    const value = (name: string): number | undefined => metrics.get(`ucwa_proxy_${name}`);
    // A third of the ceiling of 19 is 7. The batch was refused while it was alone, so at most 10
    // calls fit: 7, 7 and 6.
    expect(value('429_splits_total{depth="1"}')).toBe(1);
    for (const depth of ['2', '3', '4+']) {
      expect(value(`429_splits_total{depth="${depth}"}`)).toBe(0);
    }
    expect(value('split_parts_count')).toBe(3);
    expect(value('split_parts_sum')).toBe(20);
    expect(value('split_parts_bucket{le="5"}')).toBe(0);
    expect(value('split_parts_bucket{le="7"}')).toBe(3);
    expect(value('requeued_calls_total{reason="refused"}')).toBe(20);
    expect(value('batch_parts_count')).toBe(4);
    expect(value('batch_parts_sum')).toBe(40);
    expect(value('learned_limit_count')).toBe(1);
    expect(value('learned_limit_sum')).toBe(19);
    expect(value('upstream_responses_total{kind="batch",code="429"}')).toBe(1);
    expect(value('upstream_responses_total{kind="batch",code="200"}')).toBe(3);
    expect(value('calls_total{via="batch",code="200"}')).toBe(20);
    expect(value('calls_total{via="batch",code="429"}')).toBe(0);
    expect(value('queue_seconds_count{reason="pause"}')).toBe(20);
    // The pool got four requests instead of twenty.
    expect(value('upstream_requests_saved')).toBe(16);
    expect(runs(pool).size).toBe(20);
  });
});

test('250 calls at once at a limit of 100 all succeed, and at most 4 batches are refused', async () => {
  const pool = await startPool({ limit: 100, latency: 30 });
  const proxy = await startProxy(pool.url);
  const answers = await new UcwaClient(proxy.url).askAll(notes(250));
  expect(statuses(answers)).toEqual([200]);
  expect(runs(pool).size).toBe(250);
  const refusals = (await proxy.metrics()).get('ucwa_proxy_requeued_calls_total{reason="refused"}');
  expect(refusals).toBeLessThanOrEqual(4 * 20);
});

test('busy clients of one user next to a device that bypasses the proxy get no refusal, for reads and writes', async () => {
  const pool = await startPool({ limit: 9, latency: 5 });
  const proxy = await startProxy(pool.url);
  const client = new UcwaClient(proxy.url);
  const seen: Answer[] = [];
  const busy = async (device: number): Promise<void> => {
    for (let i = 0; i < 12; i += 1) {
      if (device === 0) pool.occupy('ann', i % 6);
      const isWrite = i % 4 === 3;
      seen.push(
        await client.ask(`${app}/${isWrite ? 'me/reportMyActivity' : 'me/note'}?n=${device}-${i}`, {
          method: isWrite ? 'POST' : 'GET',
          headers: { 'X-Nonce': `${device}-${i}` },
        }),
      );
    }
  };
  await Promise.all(Array.from({ length: 30 }, (_, device) => busy(device)));
  expect(statuses(seen).sort()).toEqual([200, 204]);
  expect(seen).toHaveLength(360);
  const writes = [...runs(pool)].filter(([name]) => name.startsWith('POST'));
  expect(writes).toHaveLength(90);
  expect(writes.filter(([, times]) => times !== 1)).toEqual([]);
});

test("a client's own batch counts by its parts, and the proxy's batches leave room for it", async () => {
  const pool = await startPool({ limit: 30, latency: 40 });
  const proxy = await startProxy(pool.url);
  const client = new UcwaClient(proxy.url);
  const part = (n: number): string =>
    '--own\r\nContent-Type: application/http; msgtype=request\r\n\r\n' +
    `GET ${app}/me/note?own=${n} HTTP/1.1\r\nHost: pool\r\n\r\n\r\n`;
  const body = `${Array.from({ length: 15 }, (_, n) => part(n)).join('')}--own--\r\n`;
  const own = client.ask(`${app}/batch`, {
    method: 'POST',
    headers: { 'Content-Type': 'multipart/batching; boundary=own' },
    body,
  });
  await proxy.untilMetric('ucwa_proxy_passthrough_total{reason="batch"}', (count) => count === 1);
  const answers = await client.askAll(notes(40));
  expect((await own).status).toBe(200);
  expect(statuses(answers)).toEqual([200]);
  expect(pool.stats().refused429).toBe(0);
});
