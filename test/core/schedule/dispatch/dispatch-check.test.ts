import { describe, expect, test } from '@jest/globals';
import {
  checkCapacity,
  type Capacity,
} from '../../../../src/core/schedule/dispatch/dispatch-check.ts';
import { newUser } from '../../../../src/core/schedule/queue/users.ts';
import type { LearnedState, Stream, User } from '../../../../src/core/schedule/state.ts';

interface Situation {
  readonly limit?: number;
  readonly outstanding?: number;
  readonly polls?: number;
  /** Number of parts to send together. */
  readonly wanted?: number;
  readonly unbatched?: boolean;
  readonly nowMs?: number;
  readonly backoffUntilMs?: number;
  readonly trialEndsAtMs?: number;
  readonly nextProbeAtMs?: number;
  readonly passedThroughAtMs?: number;
  /** Since when the limit blocks the calls. */
  readonly limitedSinceMs?: number;
  /** The classes of the ready streams. */
  readonly ready?: ReadonlyArray<Stream<string>['callClass']>;
  readonly isUrgent?: boolean;
}

function check(situation: Situation): Capacity {
  const { limit = 20, outstanding = 15, wanted = 1, unbatched = false, nowMs = 0 } = situation;
  const { nextProbeAtMs = Infinity, ready = ['safe'], limitedSinceMs } = situation;
  const learned = {
    backoff: { untilMs: situation.backoffUntilMs ?? -Infinity },
    limit: {
      ...{ value: limit, trialEndsAtMs: situation.trialEndsAtMs ?? -Infinity, nextProbeAtMs },
      probes: (atMs: number) => nextProbeAtMs <= atMs,
    },
  } as unknown as LearnedState;
  const user: User<string> = {
    ...newUser<string>('ann', learned, 0),
    ...{ outstanding, polls: situation.polls ?? 0 },
    passedThroughAtMs: situation.passedThroughAtMs ?? -Infinity,
  };
  for (const callClass of ready) {
    const hold = { kind: 'ready', reason: 'idle', sinceMs: 0, held: false };
    const call = { callClass: 'safe', blockedBy: undefined };
    user.streams.push({ callClass, hold, queue: [call] } as unknown as Stream<string>);
  }
  if (limitedSinceMs !== undefined) user.blocked.begin('limit', limitedSinceMs);
  return checkCapacity(user, wanted, unbatched, nowMs, situation.isUrgent);
}

const go = (parts: number, probe = false): Capacity => ({ kind: 'go', parts, probe });
const blocked = (untilMs: number, reason: 'limit' | 'backoff' = 'limit'): Capacity => ({
  ...{ kind: 'blocked', reason, untilMs },
});

test('no call is sent before the end of a backoff', () => {
  expect(check({ backoffUntilMs: 100, nowMs: 99 })).toEqual(blocked(100, 'backoff'));
  expect(check({ backoffUntilMs: 100, nowMs: 100 })).toEqual(go(1));
});

test('one request may always be sent, even beside polls or if the limit has no room', () => {
  expect(check({ outstanding: 0, limit: 3, wanted: 5 })).toEqual(go(3));
  expect(check({ outstanding: 0, limit: 5, wanted: 3 })).toEqual(go(3));
  expect(check({ outstanding: 25, polls: 25, wanted: 5 })).toEqual(go(1));
  expect(check({ outstanding: 25, polls: 24, wanted: 5 })).toEqual(blocked(Infinity));
});

test('after a refusal the other requests wait for the end of the trial', () => {
  expect(check({ trialEndsAtMs: 50, nowMs: 49 })).toEqual(blocked(50));
  expect(check({ trialEndsAtMs: 50, nowMs: 50 })).toEqual(go(1));
});

describe('a batch that does not fit', () => {
  test('does not wait for room for all of its parts if it has an urgent call', () => {
    expect(check({ wanted: 6 })).toEqual(blocked(50));
    expect(check({ wanted: 6, isUrgent: true })).toEqual(go(5));
    expect(check({ wanted: 6, outstanding: 20, isUrgent: true })).toEqual(blocked(Infinity));
    expect(check({ backoffUntilMs: 100, isUrgent: true })).toEqual(blocked(100, 'backoff'));
  });

  test('waits for room for all of its parts, for at most 50 ms', () => {
    expect(check({ wanted: 5 })).toEqual(go(5));
    expect(check({ wanted: 6, nowMs: 7 })).toEqual(blocked(57));
    expect(check({ wanted: 6, limitedSinceMs: 0, nowMs: 49 })).toEqual(blocked(50));
    expect(check({ wanted: 6, limitedSinceMs: 0, nowMs: 50 })).toEqual(go(5));
    expect(check({ outstanding: 20, limitedSinceMs: 0, nowMs: 50 })).toEqual(blocked(Infinity));
  });

  test('becomes a probe with one part more than the limit allows, if one is due', () => {
    const due = { nextProbeAtMs: 100, nowMs: 100 };
    expect(check({ ...due, wanted: 6 })).toEqual(go(6, true));
    expect(check({ ...due, wanted: 9 })).toEqual(go(6, true));
    expect(check({ ...due, wanted: 5 })).toEqual(go(5));
    expect(check({ ...due, outstanding: 20 })).toEqual(go(1, true));
    expect(check({ ...due, wanted: 6, nowMs: 99 })).toEqual(blocked(100));
  });

  test('is no probe if it could not exceed the limit by exactly one part', () => {
    const due = { nextProbeAtMs: 100, nowMs: 100 };
    expect(check({ ...due, outstanding: 21 })).toEqual(blocked(Infinity));
    // Reserved room makes the batch wait, but the limit itself has room for it.
    expect(check({ ...due, wanted: 4, passedThroughAtMs: 100 })).toEqual(blocked(150));
  });
});

describe('batches leave room', () => {
  test('for pass-through calls: a tenth of the limit, for a minute after the last one', () => {
    const last = { wanted: 4, passedThroughAtMs: 0 };
    expect(check({ ...last, nowMs: 60_000 })).toEqual(blocked(60_050));
    expect(check({ ...last, wanted: 3, nowMs: 60_000 })).toEqual(go(3));
    expect(check({ ...last, nowMs: 60_001 })).toEqual(go(4));
    expect(check({ ...last, nowMs: 60_000, unbatched: true })).toEqual(go(4));
  });

  test('for pass-through calls: at least for one', () => {
    const few = { limit: 5, outstanding: 2, passedThroughAtMs: 0 };
    expect(check({ ...few, wanted: 2 })).toEqual(go(2));
    expect(check({ ...few, wanted: 3 })).toEqual(blocked(50));
  });

  test('for an operation that is ready beside them', () => {
    expect(check({ wanted: 5, ready: ['safe', 'operation'] })).toEqual(blocked(50));
    expect(check({ wanted: 4, ready: ['safe', 'operation'] })).toEqual(go(4));
    expect(check({ wanted: 5, ready: ['safe', 'unsafe'] })).toEqual(go(5));
  });
});
