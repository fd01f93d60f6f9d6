/** The promises of the coalescer hold over thousands of random schedules, and the check can fail. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Coalescer } from '../../../src/core/schedule/coalescer.ts';
import type { Batch, Call } from '../../../src/core/schedule/state.ts';
import type { Policy } from '../../../src/core/schedule/policy.ts';
import type { Sink } from '../../../src/core/schedule/sink.ts';
import type { Ticket } from '../../support/departure-checks.ts';
import type { PoolPlan } from '../../support/pool-plan.ts';
import {
  half,
  type Make,
  noMemory,
  play,
  policies,
  remembering,
  schedule,
  sound,
  step,
} from '../../support/schedules.ts';
import type { Core, VirtualWorld } from '../../support/virtual-world.ts';

const trials = 4000;

/** The rows of the table in the header of the coalescer, by the names of the test world. */
const table = [
  'submit',
  'submit, a cap',
  'submit, a twin',
  'wake',
  'depart',
  'part',
  'wake, part early',
  'begin',
  'settle, complete',
  'settle, relay',
  'settle, refused',
  'settle, no_batch',
  'settle, request_too_large',
  'settle, server_error',
  'settle, broken_off',
  'settle, miscounted',
  'settle, connection',
  'requeue, refused',
  'requeue, too_large',
  'split',
  'repeat, answered',
  'repeat, failed',
  'repeat, needless',
  'repeat, late',
  'wake, late batch',
  'wake, late slot',
  'fail, fault',
  'fail, late',
  'fail, never-sent',
  'cancel, held',
  'cancel, sent',
  'cancel, answering',
  'abandon',
  'barrier',
  'drain',
];

test(`every promise holds over ${trials} random schedules, and every row of the table occurs`, () => {
  const rows = new Map<string, number>();
  fc.assert(
    fc.property(schedule, ([policy, steps, plans]) => {
      const world = play(policy, steps, plans, sound);
      for (const [row, times] of world.rows) rows.set(row, (rows.get(row) ?? 0) + times);
      expect(world.faults).toEqual([]);
    }),
    { numRuns: trials },
  );
  const seldom = table.filter((row) => (rows.get(row) ?? 0) < 20);
  expect(seldom).toEqual([]);
});

test('answers to a bad credential change nothing for another one on the same application', () => {
  const failing = fc.constantFrom<PoolPlan['ending']>(
    ...([
      'relay',
      'refused',
      'request_too_large',
      'server_error',
      'broken_off',
      'connection',
    ] as const),
  );
  // Odd times avoid events at the same time, for which any order is right.
  const short = fc.constantFrom(5.317, 20.713, 40.391);
  const good = fc.record({ afterMs: short, partEveryMs: fc.constant(undefined), ending: failing });
  const any = fc.oneof(
    good,
    good.map((made) => ({ ...made, ending: 'complete' as const })),
  );
  const calm = policies.map((policy) => ({
    ...policy,
    mode: policy.mode === 'adaptive' ? ('fixed' as const) : policy.mode,
    maxQueuedCalls: 1000,
  }));
  const lists = <T>(one: fc.Arbitrary<T>) => fc.array(one, { minLength: 1, maxLength: 6 });
  const steps = fc.array(step, { minLength: 4, maxLength: 30 }).map((list) =>
    list.map((one, i) => ({
      ...one,
      gapMs: one.gapMs > 0 ? one.gapMs + i * 0.01371 : 0,
      also: one.also === 'drain' ? undefined : one.also,
    })),
  );
  fc.assert(
    fc.property(calm, steps, lists(any), lists(good), (policy, both, plans, junk) => {
      const own = (world: VirtualWorld) =>
        world.departures.filter((line) => line.includes(' user0: ')).sort();
      const alone = both.map((one) => (one.user === 1 ? { ...one, also: 'silent' as const } : one));
      expect(own(play(policy, both, plans, remembering, junk))).toEqual(
        own(play(policy, alone, plans, remembering, junk)),
      );
    }),
    { numRuns: 2000 },
  );
});

describe('a coalescer with a planted bug is detected', () => {
  class DropsCancels extends Coalescer<Ticket> {
    override cancel(call: Call<Ticket>, nowMs: number): void {
      if (call.stage !== 'held') super.cancel(call, nowMs);
    }
  }

  class SwapsSlots extends Coalescer<Ticket> {
    override part(...[batch, index, reply, early, nowMs]: Parameters<Core['part']>): void {
      const other = batch.calls.length > 1 ? batch.calls.length - 1 - index : index;
      super.part(batch, other, reply, early, nowMs);
    }
  }

  /** Drops the first call that stays in a queue after a batch was sent. */
  class LosesTheRest extends Coalescer<Ticket> {
    override dispatch(user: Batch<Ticket>['user'], unbatched: boolean, nowMs: number): boolean {
      const isSent = super.dispatch(user, unbatched, nowMs);
      for (const stream of user.streams) stream.queue.splice(0, 1);
      return isSent;
    }
  }

  /** Drops one call of a refused batch. */
  class LosesRequeued extends Coalescer<Ticket> {
    override settle(...[batch, ending, nowMs]: Parameters<Core['settle']>): void {
      super.settle(batch, ending, nowMs);
      if (ending.kind !== 'failure' || ending.cause !== 'refused') return;
      for (const stream of batch.user.streams) {
        const lost = stream.queue.findIndex((call) => batch.calls.includes(call));
        if (lost !== -1) stream.queue.splice(lost, 1);
      }
    }
  }

  /** Answers before the count of parts is known, and again when it is known. */
  class ReleasesEarly extends Coalescer<Ticket> {
    readonly #own: Sink<Ticket>;

    constructor(policy: Policy, sink: Sink<Ticket>) {
      super(policy, sink, noMemory, half);
      this.#own = sink;
    }

    override part(...[batch, index, reply, early, nowMs]: Parameters<Core['part']>): void {
      const call = batch.calls[index];
      if (call?.stage === 'sent' && !('phase' in reply)) this.#own.answer(call, reply);
      super.part(batch, index, reply, early, nowMs);
    }
  }

  const planted: ReadonlyArray<readonly [string, Make]> = [
    ['dropped cancel', (policy, sink) => new DropsCancels(policy, sink, noMemory, half)],
    ['swapped slots', (policy, sink) => new SwapsSlots(policy, sink, noMemory, half)],
    ['early release', (policy, sink) => new ReleasesEarly(policy, sink)],
    ['lost requeue', (policy, sink) => new LosesRequeued(policy, sink, noMemory, half)],
    ['lost rest of a queue', (policy, sink) => new LosesTheRest(policy, sink, noMemory, half)],
    [
      'ignored urgency',
      (policy, sink) => {
        const core = new Coalescer<Ticket>(policy, sink, noMemory, half);
        const submit = core.submit.bind(core);
        core.submit = (arrival, nowMs) => submit({ ...arrival, urgency: undefined }, nowMs);
        return core;
      },
    ],
    [
      'key without the cookie',
      (policy, sink) => {
        const core = new Coalescer<Ticket>(policy, sink, noMemory, half);
        const submit = core.submit.bind(core);
        core.submit = (arrival, nowMs) => {
          const call = submit({ ...arrival, key: { ...arrival.key, cookie: undefined } }, nowMs);
          if (typeof call !== 'string') Object.assign(call, { key: arrival.key });
          return call;
        };
        return core;
      },
    ],
  ];

  test.each(planted)('%s', (_what, make) => {
    const { failed } = fc.check(
      fc.property(
        schedule,
        ([policy, steps, plans]) => play(policy, steps, plans, make).faults.length === 0,
      ),
      { numRuns: trials },
    );
    expect(failed).toBe(true);
  });
});
