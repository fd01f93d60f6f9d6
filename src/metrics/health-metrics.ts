/** Metrics of the health of the pools. They are read at each scrape, so that no request pays for them. */
import { Counter, Gauge, type Registry } from 'prom-client';
import { upstreamErrorKinds, type UpstreamErrorKind } from '../core/health/upstream-errors.ts';

/** Label values of `ucwa_proxy_certificate_expiry_seconds`. */
export const certificateSides = ['listen', 'upstream', 'pool'] as const;
export type CertificateSide = (typeof certificateSides)[number];

const poolStates = ['reachable', 'unreachable', 'unknown'] as const;
export type PoolState = (typeof poolStates)[number];

export interface HealthSources {
  upstreamErrors(): Readonly<Record<UpstreamErrorKind, number>>;
  /** Number of pools in each state. */
  pools(): Readonly<Record<PoolState, number>>;
  /** Time until the first certificate of this side expires, in s; `undefined` if none is known. */
  certificateExpirySeconds(side: CertificateSide): number | undefined;
}

export function createHealthMetrics(registers: Registry[], sources: HealthSources): void {
  new Counter({
    name: 'ucwa_proxy_upstream_errors_total',
    help:
      'Requests and connections to the pool that failed, by the error type of RFC 9209 (as in Proxy-Status). ' +
      'Calls that the pool did not answer before their deadline count as http_response_timeout. Normal is 0.',
    labelNames: ['kind'],
    registers,
    collect() {
      this.reset();
      const errors = sources.upstreamErrors();
      for (const kind of upstreamErrorKinds) this.inc({ kind }, errors[kind]);
    },
  });
  new Gauge({
    name: 'ucwa_proxy_pools',
    help:
      'Pools by the result of the last check, which opens a connection to each server. ' +
      'reachable: a server took the connection. unknown: not checked yet. Normal is 0 unreachable.',
    labelNames: ['state'],
    registers,
    collect() {
      const pools = sources.pools();
      for (const state of poolStates) this.set({ state }, pools[state]);
    },
  });
  new Gauge({
    name: 'ucwa_proxy_certificate_expiry_seconds',
    help:
      'Time until the first certificate expires, negative afterwards. listen: those of listen.tls. ' +
      'upstream: the client certificates for the pools. pool: those that the pools show. Absent without a certificate.',
    labelNames: ['side'],
    registers,
    collect() {
      // A renewed certificate replaces the value, and a removed one removes it.
      this.reset();
      for (const side of certificateSides) {
        const seconds = sources.certificateExpirySeconds(side);
        if (seconds !== undefined) this.set({ side }, seconds);
      }
    },
  });
}
