/** What batching would save and cost, where it is tried without being done; zeros elsewhere. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ShadowReport } from '../core/shadow/state.ts';

export interface ShadowMetrics extends ShadowReport {
  /** The shadow broke, and is off. */
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
      'Calls that were answered, by what they would have met in mode adaptive.',
    ),
    labelNames: ['outcome'],
  });
  for (const outcome of outcomes) calls.inc({ outcome }, 0);
  const requests = new Counter(
    named('requests_total', 'Requests that would have gone to the pool in mode adaptive.'),
  );
  let saved = 0;
  new Gauge({
    ...named('requests_saved', 'Batchable calls that would have left less these requests.'),
    collect() {
      this.set(saved);
    },
  });
  const batchParts = new Histogram({
    ...named('batch_parts', 'Parts of the batches that would have been sent.'),
    buckets: partBuckets,
  });
  const added = new Histogram({
    ...named('added_seconds', 'How much longer a caller would have waited for its answer.'),
    buckets: addedBuckets,
  });
  const errors = new Counter(
    named('errors_total', 'Errors in working out what would have been; the first one ends it.'),
  );
  return {
    requestLeft(newCalls, parts) {
      requests.inc();
      saved += newCalls - 1;
      if (parts > 1) batchParts.observe(parts);
    },
    answered(addedMs) {
      calls.inc({ outcome: 'answered' });
      // Sooner is possible where a call shares the part of another one, and is no wait.
      added.observe(Math.max(0, addedMs) / 1000);
    },
    failed: () => calls.inc({ outcome: 'failed' }),
    refused: () => calls.inc({ outcome: 'refused' }),
    broke: () => errors.inc(),
  };
}
