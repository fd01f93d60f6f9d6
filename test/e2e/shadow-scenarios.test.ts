/**
 * Mode shadow reports what mode adaptive saves and costs, and its recording is enough for the same report. The calls
 * are played in real time, so this takes seconds, and other tests at the same time would disturb it.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { runCommandLine } from '../../src/cli/run-command-line.ts';
import { tune } from '../../src/cli/tune.ts';
import { captureIo, only } from '../cli/captured-io.ts';
import { playArrivals, someArrivals } from '../support/arrivals.ts';
import { onCleanup } from '../support/cleanup.ts';
import { fraction } from '../support/fraction.ts';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { UcwaClient } from '../support/ucwa-client.ts';

const shadow = { UCWA_PROXY_LOG_ACCESS: 'problems' };

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

test('tune reports about the recording what the shadow reported live', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'trace-'));
  onCleanup(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'trace.csv');
  const pool = await startPool({ latency: 20 });
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'shadow',
    UCWA_PROXY_RECORD_FILE: file,
  });
  const client = new UcwaClient(proxy.url);
  // Times are rounded to common moments, so that late timers of a busy machine do not matter.
  const calls = someArrivals(6, 5000).map((one) => ({
    ...one,
    atMs: Math.ceil(one.atMs / 100) * 100,
  }));
  await playArrivals(client, calls);
  const answered = 'ucwa_proxy_shadow_calls_total{outcome="answered"}';
  await proxy.untilMetric(answered, (count) => count === calls.length);
  const saved = (await proxy.metrics()).get('ucwa_proxy_shadow_requests_saved')! / calls.length;
  client.close();
  await proxy.stop();
  const io = captureIo({ files: { [file]: readFileSync(file, 'utf8') } });
  expect(await runCommandLine(only(tune), ['tune', file, '--json'], io)).toBe(0);
  const rows = JSON.parse(io.written.stdout) as Array<{ isGiven: boolean; savedShare: number }>;
  const { savedShare } = rows.find(({ isGiven }) => isGiven)!;
  expect(saved).toBeGreaterThan(0.3);
  expect(Math.abs(savedShare - saved)).toBeLessThan(saved * 0.15);
});
