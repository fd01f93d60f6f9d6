import { describe, expect, test } from '@jest/globals';
import { RetryBudget } from '../../../../src/core/schedule/estimators/retry-budget.ts';
import { Backoff } from '../../../../src/core/schedule/estimators/backoff.ts';

describe('a backoff', () => {
  test('takes 20 to 60 ms at first, and grows with each refusal, up to 2 s', () => {
    const pause = new Backoff();
    pause.begin(0, 0, undefined, true);
    expect(pause.untilMs).toBe(20);
    const lengths = [];
    for (let nowMs = 1000; nowMs < 300_000; nowMs += 30_000) {
      pause.begin(nowMs, 0.999, undefined, true);
      lengths.push(Math.round(pause.untilMs - nowMs));
    }
    expect(lengths.slice(0, 4)).toEqual([100, 180, 340, 659]);
    expect(lengths.at(-1)).toBe(2018);
  });

  test('is short again after the pool has accepted a request', () => {
    const pause = new Backoff();
    for (let i = 0; i < 5; i += 1) pause.begin(i * 5000, 0.5, undefined, true);
    pause.reset();
    pause.begin(100_000, 0.5, undefined, true);
    expect(pause.untilMs).toBe(100_040);
  });

  test('takes as long as the pool asks for, up to 30 s, and never ends before an earlier one', () => {
    const pause = new Backoff();
    pause.begin(0, 0, 249, true);
    expect(pause.untilMs).toBe(249);
    pause.begin(10, 0, undefined, true);
    expect(pause.untilMs).toBe(249);
    pause.begin(10, 0, 3_600_000, true);
    expect(pause.untilMs).toBe(30_010);
  });

  test('does not grow with refusals of requests that were sent before the last refusal was known', () => {
    const pause = new Backoff();
    pause.begin(0, 0.5, undefined, true);
    const { untilMs } = pause;
    pause.begin(1, 0.5, undefined, false);
    expect(pause.untilMs).toBe(untilMs);
  });
});

describe('the retry budget', () => {
  function spendAll(budget: RetryBudget, nowMs: number): number {
    let spent = 0;
    for (; budget.has(nowMs); spent += 1) budget.spend();
    return spent;
  }

  test('begins with 100 retries', () => {
    expect(spendAll(new RetryBudget(1000, 0), 0)).toBe(100);
  });

  test('earns 10 retries a second, and a fifth of a retry with each call', () => {
    const budget = new RetryBudget(1000, 0);
    spendAll(budget, 0);
    expect(spendAll(budget, 1000)).toBe(10);
    for (let i = 0; i < 51; i += 1) budget.deposit();
    expect(spendAll(budget, 1000)).toBe(10);
  });

  test('never exceeds its maximum', () => {
    const budget = new RetryBudget(100, 0);
    for (let i = 0; i < 10_000; i += 1) budget.deposit();
    expect(spendAll(budget, 1e9)).toBe(100);
  });
});
