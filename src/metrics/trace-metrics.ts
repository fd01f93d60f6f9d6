import { Counter, type Registry } from 'prom-client';

export interface TraceMetrics {
  written(): void;
  /** The disk is too slow, the file full or broken. */
  dropped(): void;
}

export function createTraceMetrics(registers: Registry[]): TraceMetrics {
  const calls = new Counter({
    name: 'ucwa_proxy_trace_calls_total',
    help: 'Calls of which the recording had to take note, by whether it could.',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of ['written', 'dropped']) calls.inc({ outcome }, 0);
  return {
    written: () => calls.inc({ outcome: 'written' }),
    dropped: () => calls.inc({ outcome: 'dropped' }),
  };
}
