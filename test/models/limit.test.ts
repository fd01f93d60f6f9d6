/** SPIN explores the model of requeue, limit and pause, and the scheduler's runs are runs of the model. */
import { describe, expect } from '@jest/globals';
import fc from 'fast-check';
import type { Ending } from '../../src/core/answer/ending.ts';
import { Coalescer } from '../../src/core/schedule/coalescer.ts';
import type { Batch, User } from '../../src/core/schedule/state.ts';
import type { Ticket } from '../support/departure-checks.ts';
import { onlyWith } from '../support/real-parts.ts';
import { half, type Make, noMemory, play, remembering, schedule } from '../support/schedules.ts';
import { explore, replay } from '../support/spin.ts';
import { recordLimit } from './limit-runs.ts';

const testWithSpin = onlyWith('spin', 'gcc');

testWithSpin('no run sends in a pause or beyond the limit, repeats a write, or stops', () => {
  const [sound, ...planted] = explore('limit', [0, 1, 2, 3, 4, 5, 6]);
  // The number shows that the world is large enough.
  expect(sound).toEqual({ states: 641_728, fault: undefined });
  expect(planted.map(({ fault }) => fault)).toEqual([
    expect.stringContaining('refusals[c]<='),
    'invalid end state',
    'invalid end state',
    expect.stringContaining('!(paused)'),
    expect.stringContaining('runs[i]<='),
    'invalid end state',
  ]);
});

/** Plays random schedules of one user. Its two applications are its two devices. */
function runsOf(make: Make): ReadonlyArray<readonly string[]> {
  return fc.sample(schedule, { seed: 22, numRuns: 150 }).map(([policy, steps, plans]) =>
    recordLimit(make, (recorded) =>
      play(
        { ...policy, collapse: false },
        steps.map((one) => ({ ...one, user: 0 })),
        plans,
        recorded,
      ),
    ),
  );
}

testWithSpin('each run of the scheduler is a run of the model, with the same limit', () => {
  const runs = runsOf(remembering);
  const steps = runs.flat().map((line) => line[0]);
  for (const step of 'NSEQDPOBTF') expect([step, steps.includes(step)]).toEqual([step, true]);
  expect(replay('limit', runs)).toEqual({ runs: 150, refused: [] });
});

class WithoutPause extends Coalescer<Ticket> {
  override dispatch(user: User<Ticket>, unbatched: boolean, nowMs: number): boolean {
    const { backoff } = user.learned;
    const { untilMs } = backoff;
    backoff.untilMs = -Infinity;
    const isSent = super.dispatch(user, unbatched, nowMs);
    backoff.untilMs = untilMs;
    return isSent;
  }
}

class WithoutDecrease extends Coalescer<Ticket> {
  override settle(batch: Batch<Ticket>, ending: Ending, nowMs: number): void {
    batch.user.learned.limit.refused = () => true;
    super.settle(batch, ending, nowMs);
  }
}

/** Takes an unknown failure for a refusal. */
class WithRepeatedWrites extends Coalescer<Ticket> {
  override settle(batch: Batch<Ticket>, ending: Ending, nowMs: number): void {
    const isUnknown = ending.kind === 'failure' && ending.fault.phase === 'unknown';
    super.settle(
      batch,
      isUnknown ? { ...ending, cause: 'not_read', fault: unsent } : ending,
      nowMs,
    );
  }
}

const unsent = { phase: 'unsent', name: 'http_protocol_error' } as const;

describe('a faulty scheduler', () => {
  testWithSpin.each([
    ['ignores pauses', WithoutPause, 'S'],
    ['keeps its limit after a refusal', WithoutDecrease, 'E'],
    ['repeats writes that may have run', WithRepeatedWrites, 'Q'],
  ] as const)('that %s makes runs that the model refuses', (_, Faulty, step) => {
    const make: Make = (policy, sink) => new Faulty(policy, sink, noMemory, half);
    const { refused } = replay('limit', runsOf(make));
    expect(refused.some((where) => where.endsWith(step))).toBe(true);
  });
});
