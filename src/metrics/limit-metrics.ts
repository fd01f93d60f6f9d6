/** The metric of the limits in force, which can be lower than the settings. */
import { Gauge, type Registry } from 'prom-client';

/** Limits by the last step of the names of their settings. */
export type EffectiveLimits = Readonly<Partial<Record<(typeof limitNames)[number], number>>>;

const limitNames = [
  'maxConnections',
  'maxLongPolls',
  'maxBoundConnections',
  'maxUsers',
  'maxQueuedCalls',
  'maxQueuedCallsPerUser',
  'maxQueuedBytes',
  'maxQueuedBytesPerUser',
  'maxResponseBytes',
  'maxBufferedResponseBytes',
] as const;

/** @param read returns the limits in force at a scrape */
export function createLimitMetrics(registers: Registry[], read: () => EffectiveLimits): void {
  new Gauge({
    name: 'ucwa_proxy_limit',
    help:
      'Limits in force, by the names of their settings. The proxy lowers some of them to what its memory and ' +
      'its open files allow.',
    labelNames: ['limit'],
    registers,
    collect() {
      const limits = read();
      for (const limit of limitNames) {
        const value = limits[limit];
        if (value !== undefined) this.set({ limit }, value);
      }
    },
  });
}
