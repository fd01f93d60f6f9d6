import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { OddOneOut, upperBound } from '../../../src/core/parity/sequential.ts';
import { fraction } from '../../support/fraction.ts';

test('3,327 comparisons without a difference prove that less than 0.1 % differ', () => {
  expect(upperBound(3326, 0)).toBeGreaterThan(0.001);
  expect(upperBound(3327, 0)).toBeLessThanOrEqual(0.001);
});

test('without comparisons nothing is known', () => {
  expect(upperBound(0, 0)).toBeCloseTo(1, 6);
});

test('the bound is above the share that was seen, falls with each same answer and rises with each other one', () => {
  const counts = fc.nat({ max: 5000 }).chain((n) => fc.tuple(fc.constant(n), fc.nat({ max: n })));
  fc.assert(
    fc.property(counts, ([compared, differing]) => {
      const bound = upperBound(compared, differing);
      expect(bound).toBeGreaterThanOrEqual(differing / Math.max(1, compared));
      expect(upperBound(compared + 1, differing)).toBeLessThanOrEqual(bound);
      expect(upperBound(compared + 1, differing + 1)).toBeGreaterThanOrEqual(bound - 1e-9);
    }),
    { numRuns: 200 },
  );
});

test('at most 5 % of pools that differ in 0.12 % ever get the proof, however often someone looks', () => {
  const pools = 200;
  let proved = 0;
  for (let pool = 0; pool < pools; pool += 1) {
    let differing = 0;
    for (let compared = 1; compared <= 20_000; compared += 1) {
      if (fraction(`${pool} ${compared}`) < 0.0012) differing += 1;
      if (compared % 500 !== 0 || upperBound(compared, differing) > 0.001) continue;
      proved += 1;
      break;
    }
  }
  expect(proved / pools).toBeLessThanOrEqual(0.05);
});

describe('a route that differs in batches', () => {
  const eventsUntilProof = (isAgainst: (event: number) => boolean, most: number): number => {
    const test = new OddOneOut();
    for (let event = 1; event <= most; event += 1) {
      test.add(isAgainst(event));
      if (test.isProved) return event;
    }
    return most;
  };

  test('is found after 8 differences', () => {
    expect(eventsUntilProof(() => true, 100)).toBe(8);
  });

  test('is found as fast after a long time in which it did not differ', () => {
    expect(eventsUntilProof((event) => event > 500 || event % 2 === 0, 1000)).toBeLessThanOrEqual(
      508,
    );
  });

  test('is found seldom by mistake: after 100 events of noise on average, or later', () => {
    const runs = Array.from({ length: 200 }, (_, run) =>
      eventsUntilProof((event) => fraction(`${run}/${event}`) < 0.5, 10_000),
    );
    expect(runs.reduce((sum, events) => sum + events, 0) / runs.length).toBeGreaterThan(100);
  });
});
