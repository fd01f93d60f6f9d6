/** The savings and the costs of the adaptive hold, compared with fixed windows, in virtual time. */
import { describe, expect, test } from '@jest/globals';
import { adaptive, fixed, off, play, type Outcome } from '../../../support/hold-player.ts';
import {
  evenAppStarts,
  evenBusy,
  oneByOne,
  traffics,
  type Traffic,
} from '../../../support/traffics.ts';

const windowsMs = [2, 5, 10, 20];

/**
 * Returns the least wait of callers, in ms, under a fixed window that saves this share, or between two
 * windows.
 */
function priceMs(windows: readonly Outcome[], saved: number): number {
  let leastMs = Infinity;
  windows.forEach((one, index) => {
    const next = windows[index + 1];
    if (one.saved >= saved) leastMs = Math.min(leastMs, one.paidMs.mean);
    if (next === undefined || next.saved < saved || one.saved >= saved) return;
    const part = (saved - one.saved) / (next.saved - one.saved);
    leastMs = Math.min(leastMs, one.paidMs.mean + part * (next.paidMs.mean - one.paidMs.mean));
  });
  return leastMs;
}

/** Some five thousand calls for each traffic, ten thousand for random traffic. */
const share = 0.5;
const adaptiveOutcomes = new Map<Traffic, Outcome>();

/** Plays each traffic with the adaptive hold once. */
function playAdaptive(traffic: Traffic): Outcome {
  const outcome = adaptiveOutcomes.get(traffic) ?? play(traffic, adaptive, share);
  adaptiveOutcomes.set(traffic, outcome);
  return outcome;
}

/** Tolerance for random variation. */
const toleratedShare = 0.03;
const toleratedMs = 0.1;

test.each(traffics.map((traffic) => [traffic.name, traffic] as const))(
  '%s: callers wait no longer than under the best fixed window that saves as much',
  (_name, traffic) => {
    const windows = [off, ...windowsMs.map(fixed)].map((rule) => play(traffic, rule, share));
    const { saved, paidMs } = playAdaptive(traffic);
    expect(paidMs.mean).toBeLessThan(priceMs(windows, saved) * (1 + toleratedShare) + toleratedMs);
  },
);

test('a client that waits for each answer is neither held nor batched', () => {
  const { saved, meanHoldMs } = playAdaptive(oneByOne);
  expect(saved).toBe(0);
  expect(meanHoldMs).toBeLessThan(0.1);
});

describe('applications that start, with routes of 40 ms', () => {
  const { saved, paidMs, meanHoldMs } = playAdaptive(evenAppStarts);

  test('save more than four fifths of their requests, with holds of usually at most 8 ms', () => {
    expect(saved).toBeGreaterThan(0.8);
    expect(paidMs.p50).toBeLessThan(8);
    expect(paidMs.p95).toBeLessThan(15);
  });

  test('are held for little longer than until their last call has arrived', () => {
    expect(meanHoldMs).toBeLessThan(2);
  });
});

test('devices of one user that pause between their calls save two fifths of their requests', () => {
  expect(playAdaptive(evenBusy).saved).toBeGreaterThan(0.4);
});
