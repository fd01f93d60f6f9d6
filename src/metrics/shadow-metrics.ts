/** Metrics of mode shadow: what mode adaptive would save and cost. They are 0 in other modes. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ShadowReport } from '../core/shadow/state.ts';

export interface ShadowMetrics extends ShadowReport {
  /** Counts an error that turned the shadow off. */
  broke(): void;
}

const outcomes = ['answered', 'failed', 'refused'] as const;
const partBuckets = [2, 3, 5, 8, 10, 15, 20, 30, 50, 100];
const addedBuckets = [
  0.0001, 0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 1, 5, 30,
];

export function createShadowMetrics(registers: Registry[]): ShadowMetrics {
  const named = (name: string, help: string) => ({
    name: `ucwa_proxy_shadow_${name}`,
    help,
    registers,
  });
  const calls = new Counter({
    ...named(
      'calls_total',
      'Only in mode shadow: answered calls, by the outcome that they would have had in mode adaptive.',
    ),
    labelNames: ['outcome'],
  });
  for (const outcome of outcomes) calls.inc({ outcome }, 0);
  const requests = new Counter(
    named(
      'requests_total',
      'Only in mode shadow: requests that mode adaptive would have sent to the pool.',
    ),
  );
  let saved = 0;
  new Gauge({
    ...named(
      'requests_saved',
      'Only in mode shadow: batchable calls, minus the requests that mode adaptive would have sent for them.',
    ),
    collect() {
      this.set(saved);
    },
  });
  const batchParts = new Histogram({
    ...named(
      'batch_parts',
      'Only in mode shadow: number of parts in each batch that mode adaptive would have sent.',
    ),
    buckets: partBuckets,
  });
  const added = new Histogram({
    ...named(
      'added_seconds',
      'Only in mode shadow: additional time that a caller would have waited for its answer in mode adaptive.',
    ),
    buckets: addedBuckets,
  });
  const errors = new Counter(
    named(
      'errors_total',
      'Bugs in the computation of mode shadow. Normal is 0. The first one stops the computation; calls go on.',
    ),
  );
  return {
    requestSent(newCalls, parts) {
      requests.inc();
      saved += newCalls - 1;
      if (parts > 1) batchParts.observe(parts);
    },
    answered(addedMs) {
      calls.inc({ outcome: 'answered' });
      // The time is negative if a call would have shared the part of an earlier call.
      added.observe(Math.max(0, addedMs) / 1000);
    },
    failed: () => calls.inc({ outcome: 'failed' }),
    refused: () => calls.inc({ outcome: 'refused' }),
    broke: () => errors.inc(),
  };
}
