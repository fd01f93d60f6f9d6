import type { MetricSources } from '../../src/metrics/gauges.ts';

/** The comparisons of a proxy that compares nothing, for metrics without an app. */
export const noProof: Pick<MetricSources, 'parity' | 'holdout'> = {
  parity: () => ({ compared: 0, upperBound: 1, unbatched: () => 0 }),
  holdout: () => undefined,
};
