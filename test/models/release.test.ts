/** SPIN explores the model of early release, and the scheduler's runs are runs of the model. */
import { describe, expect } from '@jest/globals';
import fc from 'fast-check';
import type { Ending } from '../../src/core/answer/ending.ts';
import type { Reply } from '../../src/core/messages/reply.ts';
import { Coalescer } from '../../src/core/schedule/coalescer.ts';
import type { Batch } from '../../src/core/schedule/state.ts';
import type { Ticket } from '../support/departure-checks.ts';
import { onlyWith } from '../support/real-parts.ts';
import type { PoolPlan } from '../support/pool-plan.ts';
import { half, type Make, noMemory, play, schedule, sound } from '../support/schedules.ts';
import { explore, replay } from '../support/spin.ts';
import { recordRelease } from './release-runs.ts';

const testWithSpin = onlyWith('spin', 'gcc');

testWithSpin('no caller gets a wrong answer once a wrong count was seen, or two answers', () => {
  const [correct, ...planted] = explore('release', [0, 1, 2, 3, 4, 5, 6]);
  // The number shows that the world is large enough.
  expect(correct).toEqual({ states: 25_587, fault: undefined });
  expect(planted.map(({ fault }) => fault)).toEqual([
    expect.stringContaining('!(detected)'),
    expect.stringContaining('!(distrusted)'),
    expect.stringContaining('part['),
    expect.stringContaining('answers['),
    'assertion violated 0',
    expect.stringContaining('answers['),
  ]);
});

/** The pool answers so first. Each run can thus have wrong counts after early releases. */
const streams: readonly PoolPlan[] = [
  { afterMs: 40, partEveryMs: 7, ending: 'miscounted' },
  { afterMs: 40, partEveryMs: 7, ending: 'complete' },
  { afterMs: 40, partEveryMs: undefined, ending: 'miscounted' },
];

function runsOf(make: Make): ReadonlyArray<readonly string[]> {
  return fc
    .sample(schedule, { seed: 22, numRuns: 150 })
    .map(([policy, steps, plans]) =>
      recordRelease(make, (recorded) =>
        play(
          { ...policy, mode: 'fixed', collapse: false },
          steps,
          [...streams, ...plans],
          recorded,
        ),
      ),
    );
}

testWithSpin('each run of the scheduler is a run of the model', () => {
  const runs = runsOf(sound);
  const steps = runs.flat().map((line) => line[0]);
  for (const step of 'BPGRLEAFQ') expect([step, steps.includes(step)]).toEqual([step, true]);
  expect(replay('release', runs)).toEqual({ runs: 150, refused: [] });
});

class Forgiving extends Coalescer<Ticket> {
  override settle(batch: Batch<Ticket>, ending: Ending, nowMs: number): void {
    batch.releasedEarly = false;
    super.settle(batch, ending, nowMs);
  }
}

class TrustingCounts extends Coalescer<Ticket> {
  override settle(batch: Batch<Ticket>, ending: Ending, nowMs: number): void {
    const isMiscounted = ending.kind === 'failure' && ending.cause === 'miscounted';
    super.settle(batch, isMiscounted ? { ...ending, cause: 'broken_off' } : ending, nowMs);
  }
}

class Impatient extends Coalescer<Ticket> {
  override part(
    batch: Batch<Ticket>,
    index: number,
    reply: Reply,
    early: boolean,
    nowMs: number,
  ): void {
    super.part(batch, index, reply, early, nowMs - 4.5);
  }
}

describe('a faulty scheduler', () => {
  testWithSpin.each([
    ['forgives a wrong count', Forgiving, 'R'],
    ['answers with parts of a response with a wrong count', TrustingCounts, 'A'],
    ['does not wait before it releases a part', Impatient, 'R'],
  ] as const)('that %s makes runs that the model refuses', (_, Faulty, step) => {
    const make: Make = (policy, sink) => new Faulty(policy, sink, noMemory, half);
    const { refused } = replay('release', runsOf(make));
    expect(refused.some((where) => where.endsWith(step))).toBe(true);
  });
});
