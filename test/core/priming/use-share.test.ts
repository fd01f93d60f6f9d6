import { expect, test } from '@jest/globals';
import { Delays } from '../../../src/core/priming/delays.ts';
import { UseShare } from '../../../src/core/priming/use-share.ts';

function shareOf(used: number, unused: number): UseShare {
  const share = new UseShare();
  for (let i = 0; i < Math.max(used, unused); i += 1) {
    if (i < used) share.add(true);
    if (i < unused) share.add(false);
  }
  return share;
}

test.each([
  [0, 0, 0],
  [1, 0, 0.27],
  [4, 0, 0.596],
  [24, 0, 0.899],
  [25, 0, 0.902],
  [95, 5, 0.904],
  [90, 10, 0.84],
  [0, 20, 0],
])(
  'after %i events with a GET and %i without, at least the share %d is used',
  (used, unused, bound) => {
    expect(shareOf(used, unused).lowerBound).toBeCloseTo(bound, 2);
  },
);

test('the share of a client that stops to read falls below one half after some 100 events', () => {
  const share = shareOf(2000, 0);
  let events = 0;
  while (share.lowerBound > 0.5) {
    share.add(false);
    events += 1;
  }
  expect(events).toBeLessThan(130);
});

test('the window is known after eight delays, and follows the last 64 of them', () => {
  const delays = new Delays(5);
  for (let i = 0; i < 7; i += 1) delays.add(60);
  expect(delays.windowMs).toBeUndefined();
  delays.add(60);
  expect(delays.windowMs).toBe(95);
  for (let i = 0; i < 64; i += 1) delays.add(10);
  expect(delays.windowMs).toBe(20);
});
