/** What must hold of the proxy's inside when nobody calls any more. */
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { MetricValues } from '../../support/metric-values.ts';
import type { ProxyChild, Resources } from './rig.ts';

/** What lives after a full collection, when so many calls have been made. */
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

/** The gauges that are not 0, once they are or after 30 s. */
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

/** What keeps the event loop alive, once it is what it was, or after 30 s. */
export function resourcesAtRest(proxy: ProxyChild, before: Resources): Promise<Resources> {
  return until(
    () => proxy.resources(),
    ({ active }) => isDeepStrictEqual(active, before.active),
  );
}

async function until<T>(ask: () => Promise<T>, isGood: (answer: T) => boolean): Promise<T> {
  const startedAtMs = performance.now();
  for (;;) {
    const answer = await ask();
    if (isGood(answer) || performance.now() - startedAtMs > maxWaitMs) return answer;
    await delay(everyMs);
  }
}

/** Sum of a family's values over its labels; `labels`: a part of them, as written. */
export function sumOf(values: MetricValues, family: string, labels = ''): number {
  let sum = 0;
  for (const [series, value] of values) {
    const [name, rest = ''] = series.split('{');
    if (name === `ucwa_proxy_${family}` && rest.includes(labels)) sum += value;
  }
  return sum;
}

/** Growth of the heap over the last three quarters, as a share of its size for 100,000 calls. */
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

/** How far the last four stray from their mean, as a share of it. */
export function heapStray(samples: readonly HeapSample[]): number {
  const last = samples.slice(-4).map(({ bytes }) => bytes);
  const middle = mean(last);
  return Math.max(...last.map((bytes) => Math.abs(bytes - middle))) / middle;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
