/** Promises of the coalescer over thousands of random schedules, and that the check can fail. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { batchKey } from '../../../src/core/admit/batch-key.ts';
import { readHead } from '../../../src/core/admit/request-head.ts';
import { Coalescer } from '../../../src/core/schedule/coalescer.ts';
import type { Batch, Call, CallClass } from '../../../src/core/schedule/call.ts';
import type { Policy } from '../../../src/core/schedule/policy.ts';
import type { Sink } from '../../../src/core/schedule/sink.ts';
import type { PoolPlan } from '../../support/pool-plan.ts';
import { VirtualWorld, type Core, type Ticket } from '../../support/virtual-world.ts';

const trials = 4000;

interface Step {
  readonly gapMs: number;
  readonly user: number;
  readonly cookie: number;
  readonly application: number;
  readonly callClass: CallClass;
  readonly resource: number;
  readonly leavesAfterMs: number | undefined;
  readonly also: 'barrier' | 'drain' | undefined;
}

const step: fc.Arbitrary<Step> = fc.record({
  gapMs: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(0, 0, 0, 0.5, 2, 5) },
    { weight: 2, arbitrary: fc.constantFrom(20, 60) },
    { weight: 1, arbitrary: fc.constant(12_000) },
  ),
  user: fc.nat(1),
  cookie: fc.constantFrom(0, 0, 0, 1),
  application: fc.constantFrom(0, 0, 0, 1),
  callClass: fc.constantFrom<CallClass>('safe', 'safe', 'safe', 'unsafe', 'unsafe', 'operation'),
  resource: fc.constantFrom(0, 0, 1, 2, 3),
  leavesAfterMs: fc.option(fc.constantFrom(0, 1, 8, 30, 80), { nil: undefined, freq: 3 }),
  also: fc.constantFrom<Step['also']>(...Array<undefined>(60).fill(undefined), 'barrier', 'drain'),
});

const plan: fc.Arbitrary<PoolPlan> = fc.record({
  afterMs: fc.constantFrom(10, 40, 300, 2000),
  partEveryMs: fc.constantFrom(undefined, 7, 7),
  ending: fc.constantFrom<PoolPlan['ending']>(
    ...([
      'complete',
      'complete',
      'complete',
      'complete',
      'relay',
      'broken-off',
      'miscounted',
    ] as const),
  ),
});

const policies: fc.Arbitrary<Policy> = fc.record({
  mode: fc.constantFrom('adaptive', 'adaptive', 'fixed', 'fixed', 'off'),
  lingerMaxMs: fc.constantFrom(5, 15),
  exchangeRateMs: fc.constantFrom(20, 200),
  maxParts: fc.constantFrom(2, 4, 20),
  maxBytes: fc.constantFrom(250, 10_000),
  collapse: fc.boolean(),
  timeoutMs: fc.constant(500),
  maxQueuedCalls: fc.constantFrom(4, 1000, 1000, 1000),
  maxQueuedCallsPerUser: fc.constantFrom(3, 1000, 1000, 1000),
  maxQueuedBytes: fc.constant(100_000),
  maxQueuedBytesPerUser: fc.constant(100_000),
  maxUsers: fc.constant(2),
});

type Make = (policy: Policy, sink: Sink<Ticket>) => Core;
const noMemory = { size: 0, take: () => undefined, keep: () => undefined };
const sound: Make = (policy, sink) => new Coalescer(policy, sink, noMemory);

/** What went wrong in one schedule, and how often each row of the table was taken. */
function play(
  policy: Policy,
  steps: readonly Step[],
  plans: readonly PoolPlan[],
  make: Make,
): VirtualWorld {
  let next = 0;
  const world = new VirtualWorld(policy, () => plans[next++ % plans.length]!, make);
  let atMs = 0;
  steps.forEach((action, index) => {
    atMs += action.gapMs;
    world.at(atMs, () => {
      const application = `/ucwa/v1/applications/${action.application}`;
      const headers = ['Authorization', `user${action.user}`];
      if (action.cookie > 0) headers.push('Cookie', String(action.cookie));
      const target = `${application}/r${action.resource}`;
      const ticket = world.submit(
        {
          key: batchKey(application, readHead(headers), undefined),
          callClass: action.callClass,
          resource: target,
          collapsible: action.callClass === 'safe',
          method: action.callClass === 'safe' ? 'GET' : 'POST',
          target,
          headers,
          body: Buffer.alloc(0),
          sizeBytes: 100,
        },
        `#${index}`,
      );
      if (action.leavesAfterMs !== undefined) {
        world.at(world.nowMs + action.leavesAfterMs, () => world.cancel(ticket));
      }
      if (action.also === 'barrier') world.barrier(`user${action.user}`);
      if (action.also === 'drain') world.drain();
    });
  });
  world.run();
  for (const { name, endings, left } of world.tickets) {
    if (endings > 1 || (endings === 0 && !left))
      world.faults.push(`${name} ended ${endings} times`);
  }
  if (world.core.heldCalls !== 0) world.faults.push(`${world.core.heldCalls} are still held`);
  if (world.core.outstandingCalls !== 0) world.faults.push('some are still outstanding');
  if (world.core.users.active !== 0) world.faults.push('a user is still active');
  return world;
}

const schedule = fc.tuple(
  policies,
  fc.array(step, { minLength: 1, maxLength: 40 }),
  fc.array(plan, { minLength: 1, maxLength: 6 }),
);

/** The rows of the table in the header of the coalescer, as the world names them. */
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
  'settle, broken-off',
  'settle, miscounted',
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

test(`every promise holds over ${trials} random schedules, and every row of the table was taken`, () => {
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

describe('a coalescer with a planted fault is found out', () => {
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

  /** Lets a stream go on as if nobody stayed behind. */
  class LosesTheRest extends Coalescer<Ticket> {
    override depart(user: Batch<Ticket>['user'], operation: boolean, nowMs: number): boolean {
      const departed = super.depart(user, operation, nowMs);
      for (const stream of user.streams) stream.queue.splice(0, 1);
      return departed;
    }
  }

  /** Answers before anybody could know that the count is right, and once more when it is known. */
  class ReleasesEarly extends Coalescer<Ticket> {
    readonly #own: Sink<Ticket>;

    constructor(policy: Policy, sink: Sink<Ticket>) {
      super(policy, sink, noMemory);
      this.#own = sink;
    }

    override part(...[batch, index, reply, early, nowMs]: Parameters<Core['part']>): void {
      const call = batch.calls[index];
      if (call?.stage === 'sent' && !('phase' in reply)) this.#own.answer(call, reply);
      super.part(batch, index, reply, early, nowMs);
    }
  }

  const planted: ReadonlyArray<readonly [string, Make]> = [
    ['dropped cancel', (policy, sink) => new DropsCancels(policy, sink, noMemory)],
    ['swapped slots', (policy, sink) => new SwapsSlots(policy, sink, noMemory)],
    ['early release', (policy, sink) => new ReleasesEarly(policy, sink)],
    ['lost rest of a queue', (policy, sink) => new LosesTheRest(policy, sink, noMemory)],
    [
      'key without the cookie',
      (policy, sink) => {
        const core = new Coalescer<Ticket>(policy, sink, noMemory);
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
