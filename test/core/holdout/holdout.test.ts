import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Durations } from '../../../src/core/holdout/durations.ts';
import { Holdout, holdoutCells, holdoutSentence } from '../../../src/core/holdout/holdout.ts';
import { differenceOf, studentQuantile } from '../../../src/core/holdout/interval.ts';
import { pointOf } from '../../../src/core/schedule/point-of-user.ts';
import { fraction } from '../../support/fraction.ts';

test('a quantile of durations is exact to 2 %', () => {
  const durations = fc.array(fc.double({ min: 0.2, max: 200_000, noNaN: true }), { minLength: 1 });
  fc.assert(
    fc.property(durations, fc.constantFrom(0.5, 0.95), (values, share) => {
      const known = new Durations();
      for (const value of values) known.add(value);
      const ordered = [...values].sort((a, b) => a - b);
      const exact = ordered[Math.ceil(values.length * share) - 1] as number;
      expect(Math.abs(known.quantileMs(share) / exact - 1)).toBeLessThan(0.0201);
    }),
  );
});

describe('the interval of a difference', () => {
  test('uses the quantiles of Student', () => {
    const table = [
      ...[[0.025, 7, 2.3646] as const, [0.025, 30, 2.0423] as const, [0.005, 14, 2.9768] as const],
      [0.0005, 15, 4.0728] as const,
    ];
    for (const [probability, freedom, value] of table) {
      expect(Math.abs(studentQuantile(probability, freedom) / value - 1)).toBeLessThan(0.01);
    }
  });

  test('contains the true difference in 95 % of the cases', () => {
    const cases = 1000;
    const values = (seed: string, shift: number) =>
      Array.from({ length: 10 }, (_, i) => {
        const sum = [1, 2, 3, 4, 5, 6].reduce((s, k) => s + fraction(`${seed} ${i} ${k}`), 0);
        return shift + sum;
      });
    let contained = 0;
    for (let i = 0; i < cases; i += 1) {
      const interval = differenceOf(values(`a${i}`, 2), values(`b${i}`, 0), 0.05)!;
      if (interval.low <= 2 && interval.high >= 2) contained += 1;
    }
    expect(contained / cases).toBeGreaterThan(0.93);
    expect(contained / cases).toBeLessThan(0.97);
  });

  test('is unknown with few values', () => {
    expect(differenceOf([1, 2, 3], [1, 2, 3], 0.05)).toBeUndefined();
  });
});

const points = Array.from({ length: 400 }, (_, i) => pointOf(fraction(`user ${i}`).toString(36)));
const share = 0.5;

/** Calls of all users in turn. Returns why the route left, if it did. */
function play(
  holdout: Holdout,
  calls: number,
  durationMs: (isBatched: boolean, random: number) => number,
  isError: (isBatched: boolean, random: number) => boolean = () => false,
): string | undefined {
  for (let i = 0; i < calls; i += 1) {
    const point = points[i % points.length] as number;
    const isBatched = point < share;
    const random = fraction(`call ${i}`);
    const call = {
      ...{ point, route: '/me', durationMs: durationMs(isBatched, random) },
      isError: isError(isBatched, fraction(`error ${i}`)),
    };
    holdout.requested(point);
    holdout.transferred(point, 1000);
    const reason = holdout.answered(call, 15);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

describe('the holdout', () => {
  test('judges no route to be worse that is the same, or slower by no more than a hold', () => {
    expect(play(new Holdout(share), 30_000, (_, random) => 20 + 100 * random)).toBeUndefined();
    const held = (isBatched: boolean, random: number) => (isBatched ? 15 : 0) + 5 + 10 * random;
    expect(play(new Holdout(share), 30_000, held)).toBeUndefined();
  });

  test('judges a route to be slower that loses much time in batches', () => {
    const slower = (isBatched: boolean, random: number) => (isBatched ? 80 : 20) + 20 * random;
    expect(play(new Holdout(share), 30_000, slower)).toBe('slower');
  });

  test('judges a route to be worse that fails more often in batches', () => {
    const fails = (isBatched: boolean, random: number) => random < (isBatched ? 0.05 : 0.01);
    expect(play(new Holdout(share), 60_000, () => 20, fails)).toBe('errors');
    const alike = (_: boolean, random: number) => random < 0.05;
    expect(play(new Holdout(share), 30_000, () => 20, alike)).toBeUndefined();
  });

  test('shows the figures of both groups, in a table and in a sentence', () => {
    const holdout = new Holdout(share);
    play(holdout, 16_000, (isBatched, random) => (isBatched ? 30 : 20) + random);
    const table = holdout.table();
    expect(table.map(({ measure }) => measure)).toEqual([
      ...['requests', 'p50', 'p95', 'errors', 'bytes'],
    ]);
    const p50 = table.find(({ measure }) => measure === 'p50')!;
    expect(Math.abs(p50.batched - p50.direct - 10)).toBeLessThan(1);
    expect(p50.difference!.low).toBeLessThanOrEqual(p50.difference!.estimate);
    expect(holdoutSentence(table)).toMatch(
      /^users with batches against users without: requests for each call 1\.00 against 1\.00 .*p50 3\d\.\d ms against 2\d\.\d ms \(difference \d+\.\d ms to \d+\.\d ms\), .*; 95 % confidence$/,
    );
    const unknown = new Holdout(share).table();
    expect(holdoutSentence(unknown)).toMatch(/too few users for a confidence$/);
    expect(holdoutCells(unknown)[0]).toEqual(['requests for each call', '0.00', '0.00', '']);
  });

  test('forgets the calls of a route that left batches or came back', () => {
    const holdout = new Holdout(share);
    const slower = (isBatched: boolean, random: number) => (isBatched ? 80 : 20) + 20 * random;
    // One call less than the route needs to be judged.
    expect(play(holdout, 1023, slower)).toBeUndefined();
    holdout.changed('/me');
    expect(play(holdout, 1023, slower)).toBeUndefined();
  });

  test('counts each user in one group', () => {
    const holdout = new Holdout(share);
    play(holdout, 4000, () => 5);
    const [batched, direct] = [holdout.total('batched'), holdout.total('direct')];
    expect(batched.calls + direct.calls).toBe(4000);
    const inShare = points.filter((point) => point < share).length;
    expect(batched.calls).toBe(inShare * 10);
    expect(batched.requests).toBe(batched.calls);
  });
});
