/** Metrics of users with batches and of users without (`batching.share`). They are 0 while all users have batches. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Block } from '../core/holdout/group.ts';
import {
  type GroupName,
  groupNames,
  type HoldoutRow,
  type Measure,
  measures,
} from '../core/holdout/holdout.ts';

export interface HoldoutSource {
  total(group: GroupName): Block;
  table(): readonly HoldoutRow[];
}

const counts = {
  calls: 'Answered batchable calls',
  errors: 'Answered batchable calls with 429 or 5xx',
  requests: 'Requests with batchable calls to the pool',
  bytes: 'Bytes of requests with batchable calls to the pool, and of the responses',
} as const;
const durations = ['p50', 'p95'] as const;
const bounds = ['low', 'estimate', 'high'] as const;

/** @param source `undefined` while all users have batches */
export function createHoldoutMetrics(
  registers: Registry[],
  source: () => HoldoutSource | undefined,
): void {
  for (const name of ['calls', 'errors', 'requests', 'bytes'] as const) {
    new Counter({
      name: `ucwa_proxy_holdout_${name}_total`,
      help: `${counts[name]}, for users with batches (group: batched) and without (direct). Only while batching.share is below 1.`,
      labelNames: ['group'],
      registers,
      collect() {
        this.reset();
        for (const group of groupNames) this.inc({ group }, source()?.total(group)[name] ?? 0);
      },
    });
  }
  new Gauge({
    name: 'ucwa_proxy_holdout_duration_seconds',
    help:
      'Time from the head of a batchable call to the end of its answer, for users with batches and without. ' +
      'Only while batching.share is below 1, since it last changed.',
    labelNames: ['group', 'measure'],
    registers,
    collect() {
      const table = source()?.table();
      for (const measure of durations) {
        const row = table?.find((one) => one.measure === measure);
        for (const group of groupNames) this.set({ group, measure }, (row?.[group] ?? 0) / 1000);
      }
    },
  });
  new Gauge({
    name: 'ucwa_proxy_holdout_difference',
    help:
      'Users with batches minus users without. low and high enclose the difference with a confidence of 95 %. ' +
      'requests and bytes: for each call. p50, p95: in seconds. errors: share of calls. All are 0 with too few users.',
    labelNames: ['measure', 'bound'],
    registers,
    collect() {
      const table = source()?.table();
      for (const measure of measures) {
        const difference = table?.find((row) => row.measure === measure)?.difference;
        for (const bound of bounds)
          this.set({ measure, bound }, (difference?.[bound] ?? 0) * unitOf(measure));
      }
    },
  });
}

function unitOf(measure: Measure): number {
  return measure === 'p50' || measure === 'p95' ? 0.001 : 1;
}
