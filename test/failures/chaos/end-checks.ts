/**
 * Reads the state of the proxy for the chaos test: gauges and resources at rest, sums of metrics, growth of the
 * heap.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { MetricValues } from '../../support/metric-values.ts';
import type { ProxyChild, Resources } from './rig.ts';

/** Live bytes after a full garbage collection, when that number of calls have been made. */
export interface HeapSample {
  readonly calls: number;
  readonly bytes: number;
}

const gauges = [
  ...['held_calls', 'outstanding_calls', 'long_polls', 'users{state="active"}'],
  ...['connections{side="client"}', 'connections{side="upstream"}'],
];
const maxWaitMs = 30_000;
const everyMs = 50;

/** Waits up to 30 s until all gauges are 0, and returns those that are not. */
export async function gaugesAtRest(proxy: ProxyChild): Promise<Record<string, number>> {
  const busy = (values: MetricValues): Array<[string, number]> =>
    gauges
      .map((name): [string, number] => [name, values.get(`ucwa_proxy_${name}`) ?? NaN])
      .filter(([, value]) => value !== 0);
  const seen = await until(
    async () => busy(await proxy.metrics()),
    (list) => list.length === 0,
  );
  return Object.fromEntries(seen);
}

/** Waits up to 30 s until there are no more active resources than before the load, and returns them. */
export function resourcesAtRest(proxy: ProxyChild, before: Resources): Promise<Resources> {
  return until(
    () => proxy.resources(),
    (now) => newResources(now, before).length === 0,
  );
}

/** Returns the active resources that were not there before. A check of the pool may have been under way then. */
export function newResources(now: Resources, before: Resources): string[] {
  const old = [...before.active];
  return now.active.filter((name) => {
    const at = old.indexOf(name);
    if (at !== -1) old.splice(at, 1);
    return at === -1;
  });
}

async function until<T>(ask: () => Promise<T>, isGood: (answer: T) => boolean): Promise<T> {
  const startedAtMs = performance.now();
  for (;;) {
    const answer = await ask();
    if (isGood(answer) || performance.now() - startedAtMs > maxWaitMs) return answer;
    await delay(everyMs);
  }
}

/** Sum of a metric over its series. `labels` is a part of the labels, as written. */
export function sumOf(values: MetricValues, family: string, labels = ''): number {
  let sum = 0;
  for (const [series, value] of values) {
    const [name, rest = ''] = series.split('{');
    if (name === `ucwa_proxy_${family}` && rest.includes(labels)) sum += value;
  }
  return sum;
}

/**
 * Growth of the heap per 100,000 calls, as a share of its mean size. The first quarter of the samples is
 * warm-up.
 */
export function heapSlope(samples: readonly HeapSample[]): number {
  const late = samples.slice(Math.ceil(samples.length / 4));
  const meanCalls = mean(late.map(({ calls }) => calls));
  const meanBytes = mean(late.map(({ bytes }) => bytes));
  let covariance = 0;
  let variance = 0;
  for (const { calls, bytes } of late) {
    covariance += (calls - meanCalls) * (bytes - meanBytes);
    variance += (calls - meanCalls) ** 2;
  }
  return ((covariance / variance) * 100_000) / meanBytes;
}

/**
 * Growth between the last two samples and the two before them, as a share of the mean. A single large sample is no
 * growth: V8 keeps garbage for some time.
 */
export function lateHeapGrowth(samples: readonly HeapSample[]): number {
  const [a = 0, b = 0, c = 0, d = 0] = samples.slice(-4).map(({ bytes }) => bytes);
  return (c + d - a - b) / 2 / mean([a, b, c, d]);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
