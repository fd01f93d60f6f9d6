/** Random schedules for the coalescer, and the function that plays them. */
import fc from 'fast-check';
import { batchKey } from '../../src/core/ucwa/batch-key.ts';
import { readHead } from '../../src/core/admit/request-head.ts';
import { Coalescer } from '../../src/core/schedule/coalescer.ts';
import type { Policy } from '../../src/core/schedule/policy.ts';
import type { Sink } from '../../src/core/schedule/sink.ts';
import type { Ticket } from './departure-checks.ts';
import type { PoolPlan } from './pool-plan.ts';
import { VirtualWorld, type Core } from './virtual-world.ts';
import type { CallClass } from '../../src/core/messages/outgoing-call.ts';
import type { LearnedState } from '../../src/core/schedule/state.ts';

interface Step {
  readonly gapMs: number;
  readonly user: number;
  readonly cookie: number;
  readonly application: number;
  readonly callClass: CallClass;
  readonly resource: number;
  readonly urgency: number | undefined;
  readonly leavesAfterMs: number | undefined;
  /** `silent`: no call is submitted, only time passes. */
  readonly also: 'barrier' | 'drain' | 'silent' | undefined;
}

export const step: fc.Arbitrary<Step> = fc.record({
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
  urgency: fc.constantFrom(...Array<undefined>(8).fill(undefined), 0, 1, 3, 5, 6, 7),
  leavesAfterMs: fc.constantFrom(...Array<undefined>(10).fill(undefined), 0, 1, 8, 30, 80),
  also: fc.constantFrom<Step['also']>(...Array<undefined>(60).fill(undefined), 'barrier', 'drain'),
});

const plan: fc.Arbitrary<PoolPlan> = fc.record({
  afterMs: fc.constantFrom(5, 10, 10, 40, 300, 2000),
  partEveryMs: fc.constantFrom(undefined, 7, 7),
  ending: fc.constantFrom<PoolPlan['ending']>(
    ...([
      ...Array<'complete'>(8).fill('complete'),
      ...Array<'refused'>(5).fill('refused'),
      'relay',
      'no_batch',
      'request_too_large',
      'server_error',
      'broken_off',
      'miscounted',
      'connection',
    ] as const),
  ),
});

export const policies: fc.Arbitrary<Policy> = fc.record({
  mode: fc.constantFrom('adaptive', 'adaptive', 'fixed', 'fixed', 'fixed', 'off'),
  lingerMaxMs: fc.constantFrom(5, 15),
  exchangeRateMs: fc.constantFrom(20, 200),
  maxParts: fc.constantFrom(2, 4, 20, 20),
  maxBytes: fc.constantFrom(250, 10_000, 10_000),
  collapse: fc.boolean(),
  timeoutMs: fc.constant(500),
  maxQueuedCalls: fc.constantFrom(4, 1000, 1000, 1000),
  maxQueuedCallsPerUser: fc.constantFrom(3, 1000, 1000, 1000),
  maxQueuedBytes: fc.constant(100_000),
  maxQueuedBytesPerUser: fc.constant(100_000),
  maxUsers: fc.constant(2),
});

export type Make = (policy: Policy, sink: Sink<Ticket>) => Core;
export const half = (): number => 0.5;
export const noMemory = { size: 0, take: () => undefined, keep: () => undefined };
export const sound: Make = (policy, sink) => new Coalescer(policy, sink, noMemory, half);

/** Makes a coalescer that keeps the learned state of users without open calls. */
export const remembering: Make = (policy, sink) => {
  const kept = new Map<string, LearnedState>();
  const memory = {
    size: 0,
    take: (name: string) => kept.get(name),
    keep: (name: string, learned: LearnedState) => void kept.set(name, learned),
  };
  return new Coalescer(policy, sink, memory, half);
};

/**
 * Plays one schedule. The returned world has the broken promises (`faults`), and how often each row of the
 * table in coalescer.ts occurred (`rows`).
 */
export function play(
  policy: Policy,
  steps: readonly Step[],
  plans: readonly PoolPlan[],
  make: Make,
  junkPlans = plans,
): VirtualWorld {
  const next = { user0: 0, user1: 0 };
  const world = new VirtualWorld(
    policy,
    ({ user: { name } }) => {
      const own = name === 'user1' ? junkPlans : plans;
      const count = next[name as keyof typeof next]++;
      const plan = own[count % own.length]!;
      // The latency grows a little each time. Otherwise a wait for the learned latency could end at
      // the same time as the answer.
      return { ...plan, afterMs: plan.afterMs + count * 0.00731 };
    },
    make,
  );
  let atMs = 0;
  steps.forEach((action, index) => {
    atMs += action.gapMs;
    if (action.also === 'silent') return;
    world.at(atMs, () => {
      const application = `/ucwa/v1/applications/${action.application}`;
      const headers = ['Authorization', `user${action.user}`];
      if (action.cookie > 0) headers.push('Cookie', String(action.cookie));
      const target = `${application}/r${action.resource}`;
      const ticket = world.submit(
        {
          key: batchKey(application, readHead(headers), 'pool', []),
          callClass: action.callClass,
          resource: target,
          collapsible: action.callClass === 'safe',
          urgency: action.urgency,
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

export const schedule = fc.tuple(
  policies,
  fc.array(step, { minLength: 4, maxLength: 40 }),
  fc.array(plan, { minLength: 1, maxLength: 6 }),
);
