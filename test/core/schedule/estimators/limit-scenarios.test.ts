/** How the coalescer learns a pool's limit from 429 answers, in virtual time. */
import { describe, expect, test } from '@jest/globals';
import { LimitedPool, type Tally } from '../../../support/limited-pool.ts';

const routeMs = 30;

/** Returns the answered calls as a share of those that the limit would have allowed. */
function used({ answered }: Tally, limit: number, forMs: number): number {
  return answered / ((limit * forMs) / routeMs);
}

/**
 * Another device of the user: a description, its mean number of outstanding calls, and the number at a given
 * time.
 */
const others: ReadonlyArray<readonly [string, number, (nowMs: number) => number]> = [
  ['no other device', 0, () => 0],
  ['another device that takes 5, now and then', 2.5, (nowMs) => (Math.floor(nowMs / 2000) % 2) * 5],
  ['another device that takes 0 to 5', 2.5, (nowMs) => 2.5 + 2.5 * Math.sin(nowMs / 700)],
];

describe.each(others)('30 busy clients of one user beside %s', (_who, taken, device) => {
  const limit = (nowMs: number): number => (nowMs > 20_000 && nowMs <= 40_000 ? 40 : 9);
  const pool = new LimitedPool({ limit, others: device, routeMs });
  pool.busy('ann', 30);
  const learning = pool.until(2000);
  const steady = pool.until(20_000);
  const raised = pool.until(25_000);
  const high = pool.until(40_000);
  const lowered = pool.until(42_000);
  const again = pool.until(60_000);
  const all = [learning, steady, raised, high, lowered, again];

  test('no caller ever sees a 429', () => {
    expect(all.map(({ failed }) => failed)).toEqual([0, 0, 0, 0, 0, 0]);
    for (const { answered } of all) expect(answered).toBeGreaterThan(100);
  });

  test('at most 5 % of requests are refused after the limit is learned', () => {
    for (const { refused, requests } of [steady, high, again]) {
      expect(refused / requests).toBeLessThan(0.05);
    }
  });

  test('at least 60 % of the possible throughput is used', () => {
    expect(used(steady, 9 - taken, 18_000)).toBeGreaterThan(0.6);
    expect(used(again, 9 - taken, 18_000)).toBeGreaterThan(0.6);
  });

  test('a raised limit is used within 5 s, and a lowered limit costs at most a dozen refusals', () => {
    expect(used(high, 30, 15_000)).toBeGreaterThan(0.6);
    expect(raised.refused).toBeLessThanOrEqual(12);
    expect(lowered.refused).toBeLessThanOrEqual(12);
  });
});

test('250 calls at once under a limit of 100 are answered within 10 s, with at most 4 refusals', () => {
  const pool = new LimitedPool({ limit: () => 100, routeMs });
  for (let i = 0; i < 250; i += 1) pool.ask('ann');
  const { answered, refused, failed } = pool.until(10_000);
  expect({ answered, failed }).toEqual({ answered: 250, failed: 0 });
  expect(refused).toBeLessThanOrEqual(4);
});

test('50 users that begin together under a limit of 10 each are all answered', () => {
  const pool = new LimitedPool({ limit: () => 10, routeMs });
  for (let user = 0; user < 50; user += 1) {
    for (let call = 0; call < 30; call += 1) pool.ask(`user${user}`);
  }
  const { answered, failed, waitsMs } = pool.until(30_000);
  expect({ answered, failed }).toEqual({ answered: 1500, failed: 0 });
  expect(Math.max(...waitsMs)).toBeLessThan(5000);
});

test('under a limit of 1, 40 calls at once are all answered', () => {
  const pool = new LimitedPool({ limit: () => 1, routeMs });
  for (let call = 0; call < 40; call += 1) pool.ask('ann');
  expect(pool.until(29_000)).toMatchObject({ answered: 40, failed: 0 });
});
