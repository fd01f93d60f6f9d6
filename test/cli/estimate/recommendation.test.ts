import { expect, test } from '@jest/globals';
import type { EstimateRow } from '../../../src/cli/estimate/estimate-row.ts';
import { recommendation } from '../../../src/cli/estimate/recommendation.ts';

/** A row with exact results. */
function row(
  mode: EstimateRow['mode'],
  lingerMaxMs: number,
  { saved, wait, isGiven = false }: { saved: number; wait: number; isGiven?: boolean },
): EstimateRow {
  const exact = (value: number) => ({ low: value, high: value });
  return {
    ...{ mode, lingerMaxMs, maxParts: 20, isGiven, calls: 1000, refused: 0, failed: 0 },
    requests: exact(1000 * (1 - saved)),
    savedShare: exact(saved),
    waitMs: { mean: exact(wait), p50: exact(wait), p95: exact(wait) },
    meanParts: exact(2),
  };
}

const valuation = { exchangeRateMs: 50, resolutionMs: 0 };
const off = row('off', 0, { saved: 0, wait: 0 });

test('loaded settings that are the best are compared with the best of the other mode', () => {
  const rows = [
    off,
    row('fixed', 5, { saved: 0.598, wait: 18 }),
    row('fixed', 10, { saved: 0.6, wait: 25 }),
    row('adaptive', 15, { saved: 0.56, wait: 12.2, isGiven: true }),
  ];
  expect(recommendation(rows, valuation)).toBe(
    'Recommended: batching.mode adaptive, lingerMaxMs 15, maxParts 20. It saves 56.0 % of the 1,000 calls. ' +
      'Callers wait 12.2 ms longer on average, and 12.2 ms at the 95th percentile. ' +
      'These are the loaded settings. The best of the other mode (fixed, 5 ms, 20 parts) would save 59.8 % ' +
      'for a wait of 18.0 ms. One saved request counts as 50 ms of waiting (batching.exchangeRateMs).',
  );
});

test('better settings than the loaded ones are compared with these', () => {
  const rows = [
    off,
    row('fixed', 5, { saved: 0.598, wait: 8 }),
    row('adaptive', 15, { saved: 0.56, wait: 12.2, isGiven: true }),
  ];
  expect(recommendation(rows, valuation)).toMatch(
    /^Recommended: batching.mode fixed, lingerMaxMs 5, .* The loaded settings \(adaptive, 15 ms, 20 parts\) would save 56\.0 % for a wait of 12\.2 ms\./,
  );
});

test('a log with times in seconds compares no holds', () => {
  const rows = [
    off,
    row('fixed', 5, { saved: 0.598, wait: 8 }),
    row('adaptive', 15, { saved: 0.56, wait: 12.2, isGiven: true }),
  ];
  expect(recommendation(rows, { ...valuation, resolutionMs: 1000 })).toMatch(
    /^Recommended: batching.mode adaptive, .* percentile\. These are the loaded settings\.$/,
  );
});

test('savings that are not worth a proxy are no recommendation', () => {
  const rows = [off, row('adaptive', 15, { saved: 0.03, wait: 2, isGiven: true })];
  expect(recommendation(rows, valuation)).toBe(
    'Batching is not worth it here: no setting saves more than 3.0 % of the calls.',
  );
});
