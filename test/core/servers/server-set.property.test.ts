/** Random events, in any order, on sets of any size. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Loan } from '../../../src/core/servers/server.ts';
import { World } from './world.ts';

type Step = (world: World, loans: Loan[]) => void;

const onLoan = (act: (world: World, loan: Loan) => void) =>
  fc.nat(20).map((place): Step => (world, loans) => {
    const [loan] = loans.splice(place % Math.max(loans.length, 1), 1);
    if (loan !== undefined) act(world, loan);
  });

const requestFields = fc.record({
  user: fc.constantFrom('ann', 'ben', 'cyd'),
  isSafe: fc.boolean(),
  isRetry: fc.boolean(),
  isPoll: fc.boolean(),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: requestFields.map(
      (fields): Step =>
        (world, loans) =>
          loans.push(world.take(fields)),
    ),
  },
  { weight: 3, arbitrary: onLoan((world, loan) => world.answer(loan)) },
  onLoan((world, loan) => world.answer(loan, false)),
  onLoan((world, loan) => world.fail(loan, 'connect')),
  onLoan((world, loan) => world.fail(loan, 'reset')),
  onLoan((world, loan) => world.set.ended(loan)),
  fc.record({ place: fc.nat(6), isPassed: fc.boolean(), isAnswer: fc.boolean() }).map(
    ({ place, isPassed, isAnswer }): Step =>
      ({ set, nowMs }) =>
        set.checked(set.servers[place % set.servers.length]!, isPassed, isAnswer, nowMs),
  ),
  fc.integer({ min: 1, max: 30 }).map(
    (ticks): Step =>
      (world) =>
        world.pass(ticks * 100),
  ),
);

const sizes = fc.record({
  servers: fc.integer({ min: 1, max: 4 }),
  fallback: fc.integer({ min: 0, max: 2 }),
  hasChecks: fc.boolean(),
});

const check = (property: fc.IProperty<unknown>): void => fc.assert(property, { numRuns: 300 });

test('whatever happens, counts are right, and a server that is out gets only tests while another one works', () => {
  check(
    fc.property(sizes, fc.array(step, { maxLength: 60 }), (size, steps) => {
      const world = new World(size);
      const loans: Loan[] = [];
      for (const act of steps) {
        const { tier } = world.set;
        const before = loans.length;
        act(world, loans);
        for (const server of world.set.servers) {
          const own = loans.filter((loan) => loan.server === server);
          const polls = own.filter(({ request }) => request.isPoll).length;
          expect([server.calls, server.polls]).toEqual([own.length - polls, polls]);
          expect(server.trials).toBeLessThanOrEqual(1);
          const unanswered = [...server.unanswered].filter(({ isEnded }) => !isEnded);
          expect(unanswered).toHaveLength(own.length - polls);
        }
        const taken = loans.length > before ? loans.at(-1) : undefined;
        if (taken === undefined) continue;
        const { role, request, server } = taken;
        const isTest = request.isSafe && !request.isRetry && !request.isPoll;
        const isInService = server.isActive && server.isFallback === (tier === 'fallback');
        expect(role === 'ordinary' ? tier === 'all' || isInService : isTest).toBe(true);
      }
    }),
  );
});

test('the tier follows the health of the servers', () => {
  check(
    fc.property(sizes, fc.array(step, { maxLength: 60 }), (size, steps) => {
      const world = new World(size);
      const loans: Loan[] = [];
      for (const act of steps) {
        act(world, loans);
        const active = world.set.servers.filter(({ isActive }) => isActive);
        const hasFirst = active.some(({ isFallback }) => !isFallback);
        const expected = hasFirst ? 'first' : active.length > 0 ? 'fallback' : 'all';
        expect(world.set.tier).toBe(expected);
      }
    }),
  );
});

test('after any past, servers that work again are all back within 10 s, under a light load of reads', () => {
  check(
    fc.property(sizes, fc.array(step, { maxLength: 60 }), (size, steps) => {
      const world = new World(size);
      const loans: Loan[] = [];
      for (const act of steps) act(world, loans);
      for (const loan of loans) world.answer(loan);
      world.pass(10_000, () => {
        if (size.hasChecks) {
          for (const server of world.set.servers)
            world.set.checked(server, true, true, world.nowMs);
        }
        for (let n = 0; n < 3; n += 1) world.answer(world.take());
      });
      const first = world.set.servers.filter(({ isFallback }) => !isFallback);
      expect(first.map(({ isActive }) => isActive)).toEqual(first.map(() => true));
    }),
  );
});

test('among servers that work, the numbers of requests differ by at most one while none ends', () => {
  check(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.nat(50), (servers, requests) => {
      const world = new World({ servers });
      for (let n = 0; n < requests; n += 1) world.take();
      const counts = world.set.servers.map(({ calls }) => calls);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }),
  );
});
