/**
 * Mode shadow: callers get the answers of mode off, and the operator sees what mode adaptive would
 * save.
 */
import { describe, expect, test } from '@jest/globals';
import type { Fault } from '../../src/simulator/faults/fault.ts';
import { playArrivals, someArrivals } from '../support/arrivals.ts';
import { askEach, readCalls, sendings, writeCalls } from '../support/nonce-calls.ts';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { fraction } from '../support/fraction.ts';
import { app, notes, UcwaClient } from '../support/ucwa-client.ts';
import { says } from './failure-seen.ts';

const shadow = { UCWA_PROXY_BATCHING_MODE: 'shadow', UCWA_PROXY_LOG_ACCESS: 'problems' };

/** Latency by route, the same in both runs, so that the runs differ in nothing else. */
const latency = (route: string): number => 20 + 60 * fraction(route);

const rounds = 3;
/** Tolerance of a median on a busy machine. */
const noiseMs = 3;

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[(values.length - 1) >> 1]!;

test('the report is within 10 % of what mode adaptive saves and costs on the same arrivals', async () => {
  const calls = someArrivals(5, 4000);
  const play = async (mode: string) => {
    const pool = await startPool({ latency });
    const proxy = await startProxy(pool.url, { ...shadow, UCWA_PROXY_BATCHING_MODE: mode });
    const { statuses, latenciesMs } = await playArrivals(new UcwaClient(proxy.url), calls);
    expect(new Set(statuses)).toEqual(new Set([200]));
    if (mode === 'shadow') {
      const answered = 'ucwa_proxy_shadow_calls_total{outcome="answered"}';
      await proxy.untilMetric(answered, (seen) => seen === calls.length);
    }
    const saved = 1 - pool.stats().requests / calls.length;
    await proxy.stop();
    const said = /saved ([-\d.]+) % .* ([\d.]+) ms more at the median/.exec(proxy.log.join(''));
    return {
      latenciesMs,
      saved,
      wouldSave: Number(said?.[1]) / 100,
      wouldPayMs: Number(said?.[2]),
    };
  };
  const singly: Array<Awaited<ReturnType<typeof play>>> = [];
  const batched: typeof singly = [];
  for (let round = 0; round < rounds; round += 1) {
    // At once: what else the machine does then delays both.
    const [one, other] = await Promise.all([play('shadow'), play('adaptive')]);
    singly.push(one);
    batched.push(other);
  }
  expect(singly.map(({ saved }) => saved)).toEqual(singly.map(() => 0));
  const saved = median(batched.map((one) => one.saved));
  const wouldSave = median(singly.map((one) => one.wouldSave));
  // Noise of the machine can only raise a latency, so the quickest round of each call counts.
  const timesMs = (of: typeof singly, call: number) => of.map((one) => one.latenciesMs[call]!);
  const quickestMs = (of: typeof singly, call: number) => Math.min(...timesMs(of, call));
  const paidMs = median(calls.map((_, i) => quickestMs(batched, i) - quickestMs(singly, i)));
  const wouldPayMs = Math.min(...singly.map((one) => one.wouldPayMs));
  // Repeated runs differ by this much, so no report can be more exact.
  const spread = (values: readonly number[]) => Math.max(...values) - Math.min(...values);
  const jitterMs = Math.max(
    ...[singly, batched].map((of) => median(calls.map((_, i) => spread(timesMs(of, i))))),
  );
  const savedSpread = spread(batched.map((one) => one.saved));
  expect(saved).toBeGreaterThan(0.3);
  expect(Math.abs(wouldSave - saved)).toBeLessThan(Math.max(saved * 0.1, savedSpread));
  expect(Math.abs(wouldPayMs - paidMs)).toBeLessThan(Math.max(paidMs * 0.1, noiseMs, jitterMs));
}, 120_000);

describe('callers and the pool see the same in mode shadow as in mode off:', () => {
  const cases: ReadonlyArray<readonly [string, Fault | 'down' | undefined]> = [
    ['nothing goes wrong', undefined],
    ['the pool cannot be reached', 'down'],
    ['429', says(429)],
    ['429 with Retry-After', says(429, { headers: ['Retry-After', '0.2'] })],
    ...[400, 401, 403, 404, 405, 413, 500, 502].map(
      (status) => [String(status), says(status)] as const,
    ),
    ['503 with Retry-After', says(503, { headers: ['Retry-After', '1'] })],
    ['500 after it ran', says(500, { execute: true })],
    ['an HTML page', { kind: 'html' }],
    ['a connection that breaks', { kind: 'reset', at: 'beforeHead' }],
    ['an answer that breaks off', { kind: 'reset', at: 30 }],
    ['bytes that are no HTTP', { kind: 'junk', bytes: 'junk\r\n\r\n' }],
  ];

  const varying = new Set([
    ...['date', 'connection', 'keep-alive', 'x-ms-correlation-id', 'x-request-id'],
  ]);

  async function seen(mode: string, fault: Fault | 'down' | undefined) {
    const pool = await startPool();
    const proxy = await startProxy(pool.url, {
      UCWA_PROXY_BATCHING_MODE: mode,
      UCWA_PROXY_UPSTREAM_TIMEOUT_MS: '600',
    });
    const client = new UcwaClient(proxy.url);
    if (fault === 'down') await pool.stop();
    const callers = [];
    for (const call of [...readCalls(3), ...writeCalls(3)]) {
      if (fault !== undefined && fault !== 'down') {
        pool.faults.add({ on: { kind: 'single' }, fault });
      }
      const answer = await askEach(client, [call]).then(
        ([answered]) => answered?.answer,
        () => undefined,
      );
      pool.faults.clear();
      const ran = pool.ledger.executions(call.nonce).map(({ status }) => status);
      const came = sendings(pool, call.nonce).map(({ parts }) => parts);
      const { status, headers = {}, text } = answer ?? {};
      const kept = Object.entries(headers).filter(([name]) => !varying.has(name));
      callers.push({ call, status, headers: Object.fromEntries(kept), text, ran, came });
    }
    const metrics = await proxy.metrics();
    return { callers, errors: metrics.get('ucwa_proxy_shadow_errors_total') };
  }

  test.each(cases)('%s', async (_name, fault) => {
    const inShadow = await seen('shadow', fault);
    expect(inShadow).toEqual(await seen('off', fault));
    expect(inShadow.errors).toBe(0);
  });
});

test('nothing is batched, and the report goes to the metrics and to the log', async () => {
  const pool = await startPool({ latency: 5 });
  const proxy = await startProxy(pool.url, shadow);
  const client = new UcwaClient(proxy.url);
  for (let round = 0; round < 10; round += 1) await client.askAll(notes(8));
  expect(pool.stats()).toMatchObject({ requests: 80, batches: 0 });
  await proxy.untilMetric(
    'ucwa_proxy_shadow_calls_total{outcome="answered"}',
    (answered) => answered === 80,
  );
  const metrics = await proxy.metrics();
  const value = (name: string): number => metrics.get(`ucwa_proxy_${name}`)!;
  expect(value('shadow_requests_total')).toBeLessThan(60);
  expect(value('shadow_requests_total') + value('shadow_requests_saved')).toBe(80);
  expect(value('shadow_batch_parts_count')).toBeGreaterThan(0);
  expect(value('upstream_requests_saved')).toBe(0);
  expect(value('batch_parts_count')).toBe(0);
  await proxy.stop();
  expect(proxy.log.join('')).toMatch(
    /shadow: would have saved \d+\.\d % of requests \(\d+ in the place of 80\); callers would have waited \d+\.\d ms more at the median/,
  );
});

test('the shadow forgets a caller that leaves', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, shadow);
  const client = new UcwaClient(proxy.url);
  pool.faults.add({ on: {}, fault: { kind: 'hang' } });
  const leaver = new AbortController();
  const left = client.ask(`${app}/me`, { signal: leaver.signal });
  await proxy.untilMetric('ucwa_proxy_outstanding_calls', (calls) => calls === 1);
  leaver.abort();
  await expect(left).rejects.toThrow();
  expect((await client.ask(`${app}/me`)).status).toBe(200);
  await proxy.untilMetric(
    'ucwa_proxy_shadow_calls_total{outcome="answered"}',
    (answered) => answered === 1,
  );
});
