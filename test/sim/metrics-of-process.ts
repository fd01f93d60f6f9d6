/** Reads the metrics of the proxy in this process, without a request to its admin port. */
import { Registry } from 'prom-client';
import type { MetricValues } from '../support/metric-values.ts';

let registry: Registry | undefined;

const follow = (latest: Registry): void => void (registry = latest);

/** From now on the last registry that gets a metric is the one that is read. */
export function followMetrics(): void {
  const { prototype } = Registry;
  const describe = Object.getOwnPropertyDescriptor(prototype, 'registerMetric');
  const register = describe?.value as (this: Registry, metric: unknown) => void;
  prototype.registerMetric = function (this: Registry, metric: unknown) {
    follow(this);
    register.call(this, metric);
  };
}

export async function readMetricsOfProcess(): Promise<MetricValues> {
  const values = new Map<string, number>();
  for (const line of ((await registry?.metrics()) ?? '').split('\n')) {
    const space = line.lastIndexOf(' ');
    if (!line.startsWith('#')) values.set(line.slice(0, space), Number(line.slice(space + 1)));
  }
  return values;
}
