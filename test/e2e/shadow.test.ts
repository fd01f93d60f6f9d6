/**
 * Mode shadow: callers get the answers of mode off, and the operator sees what mode adaptive would
 * save.
 */
import { describe, expect, test } from '@jest/globals';
import type { Fault } from '../../src/simulator/faults/fault.ts';
import { askEach, readCalls, sendings, writeCalls } from '../support/nonce-calls.ts';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { app, notes, UcwaClient } from '../support/ucwa-client.ts';
import { says } from './failure-seen.ts';

const shadow = { UCWA_PROXY_BATCHING_MODE: 'shadow', UCWA_PROXY_LOG_ACCESS: 'problems' };

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
