/** Metrics that are read from the parts of the proxy at each scrape. */
import { Gauge, type Registry } from 'prom-client';
import { type ConfigSource, createConfigMetrics } from './config-metrics.ts';
import { createLimitMetrics, type EffectiveLimits } from './limit-metrics.ts';
import { createHealthMetrics, type HealthSources } from './health-metrics.ts';
import { createHoldoutMetrics, type HoldoutSource } from './holdout-metrics.ts';
import { createParityGauges, type ParitySource } from './parity-metrics.ts';

/** Current values, read at each scrape. */
export interface MetricSources {
  heldCalls(): number;
  outstandingCalls(): number;
  users(): { readonly active: number; readonly idle: number };
  longPolls(): number;
  clientConnections(): number;
  upstreamConnections(): number;
  boundConnections(): number;
  limits(): EffectiveLimits;
  servers(): {
    readonly active: number;
    readonly fallback: number;
    readonly trial: number;
    readonly ejected: number;
  };
  readonly health: HealthSources;
  readonly config: ConfigSource;
  parity(): ParitySource;
  holdout(): HoldoutSource | undefined;
}

export function createGauges(
  registers: Registry[],
  version: string,
  sources: MetricSources & { requestsSaved(): number },
): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `ucwa_proxy_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  const labelledGauge = (
    name: string,
    help: string,
    label: string,
    reads: Readonly<Record<string, () => number>>,
  ) =>
    new Gauge({
      name: `ucwa_proxy_${name}`,
      help,
      labelNames: [label],
      registers,
      collect() {
        for (const [value, read] of Object.entries(reads)) this.set({ [label]: value }, read());
      },
    });

  gauge(
    'upstream_requests_saved',
    'Requests saved since the start: batchable calls sent, minus the requests to the pool for them, including retries. ' +
      'Normal is a rising value.',
    () => sources.requestsSaved(),
  );
  gauge(
    'outstanding_calls',
    'Batchable calls that were sent to the pool and have no answer yet.',
    () => sources.outstandingCalls(),
  );
  gauge(
    'held_calls',
    'Calls that were not sent yet: held for other calls, or waiting for their turn.',
    () => sources.heldCalls(),
  );
  gauge(
    'long_polls',
    'Open polls of the event channel. Normal is about one for each signed-in device.',
    () => sources.longPolls(),
  );
  labelledGauge(
    'users',
    'Users in memory. active: with open calls or polls. idle: remembered for limits.userIdleMs.',
    'state',
    {
      active: () => sources.users().active,
      idle: () => sources.users().idle,
    },
  );
  labelledGauge(
    'connections',
    'Open connections. client: from clients. upstream: to the pool.',
    'side',
    {
      client: () => sources.clientConnections(),
      upstream: () => sources.upstreamConnections(),
    },
  );
  gauge(
    'bound_connections',
    'Open connections to the pool that belong to one client connection each (upstream.connectionAuth: bind).',
    () => sources.boundConnections(),
  );
  labelledGauge(
    'servers',
    'Servers of the pools. active: works. fallback: works, and waits until no other server does. ' +
      'trial: was ejected, and gets single requests again. ejected: gets no requests. Normal is 0 ejected.',
    'state',
    {
      active: () => sources.servers().active,
      fallback: () => sources.servers().fallback,
      trial: () => sources.servers().trial,
      ejected: () => sources.servers().ejected,
    },
  );
  createLimitMetrics(registers, () => sources.limits());
  createHealthMetrics(registers, sources.health);
  createConfigMetrics(registers, sources.config);
  createParityGauges(registers, () => sources.parity());
  createHoldoutMetrics(registers, () => sources.holdout());
  new Gauge({
    name: 'ucwa_proxy_build_info',
    help: 'Always 1. The labels are the versions of the proxy and of Node.',
    labelNames: ['version', 'node_version'],
    registers,
  }).set({ version, node_version: process.version }, 1);
}
