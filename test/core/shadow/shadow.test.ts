/** Compares the shadow with a run in which the same calls are really batched, under a virtual clock. */
import { describe, expect, test } from '@jest/globals';
import type { Policy } from '../../../src/core/schedule/policy.ts';
import type { LimitedPoolPlan } from '../../support/limited-pool.ts';
import { playBatched, playSingly, type Traffic } from '../../support/shadow-beside.ts';
import {
  besides,
  between,
  bursts,
  poisson,
  sequential,
  together,
} from '../../support/shadow-traffics.ts';

const untilMs = 4000;
const endMs = untilMs + 3000;

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Returns the share of saved requests and the mean added latency, each in truth and in the shadow. */
function compare(traffic: Traffic, plan: LimitedPoolPlan, changes: Partial<Policy> = {}) {
  const batched = playBatched(traffic, plan, changes, endMs);
  const { tally: single, would } = playSingly(traffic, plan, changes, endMs);
  return {
    batched,
    single,
    would,
    saved: {
      truth: 1 - batched.requests / batched.answered,
      shadow: 1 - would.requests / would.newCalls,
    },
    paidMs: {
      truth: mean(batched.waitsMs) - mean(single.waitsMs),
      shadow: mean(would.addedMs),
    },
  };
}

interface Pair {
  readonly truth: number;
  readonly shadow: number;
}

/** Expects an error of at most a tenth of the truth, or of at most `floor`. */
function expectNear({ truth, shadow }: Pair, floor: number): void {
  expect(Math.abs(shadow - truth)).toBeLessThanOrEqual(Math.max(Math.abs(truth) * 0.1, floor));
}

const waitsBesideOthers = together(sequential(10, 20, untilMs), bursts(10, 5, 4, untilMs));
const traffics: Readonly<Record<string, Traffic>> = {
  '10 calls a second of each user': poisson(10, 10, untilMs),
  '25 calls a second of each user': poisson(10, 25, untilMs),
  '60 calls a second of each user': poisson(10, 60, untilMs),
  'bursts of 3 within 2 ms': bursts(10, 3, 2, untilMs),
  'bursts of 8 within 4 ms': bursts(10, 8, 4, untilMs),
  'bursts of 8 within 20 ms': bursts(10, 8, 20, untilMs),
  'clients that wait for each answer': sequential(10, 1, untilMs),
  'users of all kinds': besides(
    bursts(8, 6, 4, untilMs),
    sequential(8, 1, untilMs),
    poisson(4, 20, untilMs),
  ),
  'users with a client that waits and one that does not': waitsBesideOthers,
};

const pools = {
  'a pool that takes 1 to 4 ms': between(1, 4),
  'a pool that takes 8 to 25 ms': between(8, 25),
  'a pool that takes 20 to 150 ms': between(20, 150),
};

describe.each(Object.entries(pools))('with %s', (_pool, routeMs) => {
  test.each(Object.entries(traffics))(
    'the shadow reports savings and costs of batching with at most 10 %% error: %s',
    (_traffic, traffic) => {
      const { single, would, saved, paidMs } = compare(traffic, { limit: () => 100, routeMs });
      expect(would.addedMs).toHaveLength(single.answered);
      expect(would.newCalls).toBe(single.answered);
      expectNear(saved, 0.005);
      // In truth, holds delay the next call of a waiting client. The shadow cannot delay real calls.
      expectNear(paidMs, traffic === waitsBesideOthers ? 0.2 : 0.1);
    },
  );
});

test.each([
  ['another lingerMaxMs', { lingerMaxMs: 4 }],
  ['another maxParts', { maxParts: 3 }],
  ['another exchangeRateMs', { exchangeRateMs: 400 }],
  ['mode fixed', { mode: 'fixed', lingerMaxMs: 8 }],
] as const)('the shadow is as accurate with %s', (_what, changes) => {
  const plan = { limit: () => 100, routeMs: between(8, 25) };
  for (const traffic of [poisson(10, 40, untilMs), bursts(10, 8, 10, untilMs)]) {
    const { saved, paidMs } = compare(traffic, plan, changes);
    expect(saved.truth).toBeGreaterThan(0.05);
    expectNear(saved, 0.005);
    expectNear(paidMs, 0.1);
  }
});

test('the shadow is exact if no client waits for answers and the pool is slower than the holds', () => {
  for (const seed of ['a', 'b', 'c', 'd', 'e']) {
    const { batched, would, paidMs } = compare(
      besides(poisson(6, 40, untilMs, seed), bursts(6, 8, 6, untilMs, seed)),
      { limit: () => 100, routeMs: between(20, 60) },
    );
    expect(would.requests).toBe(batched.requests);
    expect(paidMs.shadow).toBeCloseTo(paidMs.truth, 6);
  }
});

test('the shadow finds slow routes as the real scheduler does', () => {
  const routeMs = (target: string): number =>
    target.includes('policies') ? 400 : between(8, 25)(target);
  const { saved, paidMs } = compare(bursts(10, 8, 4, untilMs), { limit: () => 100, routeMs });
  expectNear(saved, 0.005);
  expectNear(paidMs, 0.1);
});

test('calls of a waiting client are not companions of each other, even beside bursts of its user', () => {
  const traffic = together(sequential(10, 1, untilMs), bursts(10, 5, 4, untilMs));
  const { saved, paidMs } = compare(traffic, { limit: () => 100, routeMs: between(1, 4) });
  // Otherwise the shadow would report that batching saves more than half of the requests.
  expect(saved.truth).toBeLessThan(0.05);
  expectNear(saved, 0.03);
  expectNear(paidMs, 0.3);
});

test('refusals of the pool teach the shadow its limit', () => {
  const plan = { limit: () => 12, routeMs: between(20, 40) };
  const { batched, single, would, saved, paidMs } = compare(bursts(4, 30, 4, untilMs), plan);
  expect(single.refused).toBeGreaterThan(10);
  expect(batched.refused).toBeGreaterThan(2);
  expect(would.addedMs).toHaveLength(single.answered);
  expectNear(saved, 0);
  expectNear(paidMs, 10);
});
