/** Mode shadow reports what mode adaptive saves and costs. Both are measured, three times, so this takes seconds. */
import { expect, test } from '@jest/globals';
import { playArrivals, someArrivals } from '../support/arrivals.ts';
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
