import {
  upstreamErrorKinds,
  type UpstreamErrorKind,
} from '../../src/core/health/upstream-errors.ts';
import type { HealthSources } from '../../src/metrics/health-metrics.ts';

const none = Object.fromEntries(upstreamErrorKinds.map((kind) => [kind, 0])) as Record<
  UpstreamErrorKind,
  number
>;

/** The health of no pool, for metrics without an app. */
export const noHealth: HealthSources = {
  upstreamErrors: () => none,
  pools: () => ({ reachable: 0, unreachable: 0, unknown: 0 }),
  certificateExpirySeconds: () => undefined,
};
