import { Counter, type Registry } from 'prom-client';

export interface TraceMetrics {
  written(): void;
  /** Counts a call that was not recorded: the disk is slow or failed, or the file is full. */
  dropped(): void;
}

export function createTraceMetrics(registers: Registry[]): TraceMetrics {
  const calls = new Counter({
    name: 'ucwa_proxy_trace_calls_total',
    help: 'Calls for the recording (record.file). dropped: the file is full, or the disk is slow or failed.',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of ['written', 'dropped']) calls.inc({ outcome }, 0);
  return {
    written: () => calls.inc({ outcome: 'written' }),
    dropped: () => calls.inc({ outcome: 'dropped' }),
  };
}
