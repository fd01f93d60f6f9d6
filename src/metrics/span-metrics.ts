import { Counter, type Registry } from 'prom-client';

export interface SpanMetrics {
  exported(spans: number): void;
  /** Counts spans that the collector did not take. */
  failed(spans: number): void;
  /** Counts a span that was not kept, because a limit was reached. */
  readonly dropped: () => void;
}

export function createSpanMetrics(registers: Registry[]): SpanMetrics {
  const spans = new Counter({
    name: 'ucwa_proxy_spans_total',
    help:
      'Spans of traces (trace.endpoint). failed: the collector did not take them. ' +
      'dropped: too many spans waited for the collector, or too many traced calls for their answers.',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of ['exported', 'failed', 'dropped']) spans.inc({ outcome }, 0);
  return {
    exported: (count) => spans.inc({ outcome: 'exported' }, count),
    failed: (count) => spans.inc({ outcome: 'failed' }, count),
    dropped: () => spans.inc({ outcome: 'dropped' }),
  };
}
