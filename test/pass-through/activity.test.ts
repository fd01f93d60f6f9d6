import { expect, test } from '@jest/globals';
import { Activity } from '../../src/pass-through/activity.ts';

const idleTimeoutMs = 960_000;

/** Checks an exchange every second, and returns the time in ms after which it is idle. */
function idleAtMs(
  activity: Activity,
  hasConnection: boolean,
  bytesAt: (nowMs: number) => number = () => 100,
): number {
  for (let nowMs = 0; ; nowMs += 1000) {
    if (activity.isIdle(bytesAt(nowMs), hasConnection, nowMs, idleTimeoutMs)) return nowMs;
  }
}

test('an answer may be silent for the whole idle timeout, many times longer than 130 s', () => {
  const activity = new Activity(0);
  activity.isReady = true;
  expect(idleAtMs(activity, true)).toBe(idleTimeoutMs);
});

test('each byte begins the idle timeout anew', () => {
  const bytesAt = (nowMs: number): number => Math.floor(Math.min(nowMs, 2_900_000) / 900_000);
  expect(idleAtMs(new Activity(0), true, bytesAt)).toBe(2_700_000 + idleTimeoutMs);
});

test('a request that waits for a connection to the pool gives up after two minutes', () => {
  const activity = new Activity(0);
  activity.isReady = true;
  expect(idleAtMs(activity, false)).toBe(120_000);
});

test('a request with a body that still arrives does not wait for a connection yet', () => {
  expect(idleAtMs(new Activity(0), false)).toBe(idleTimeoutMs);
});
