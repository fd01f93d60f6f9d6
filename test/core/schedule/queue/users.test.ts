import { expect, test } from '@jest/globals';
import { newTotals, type ProcessTotals } from '../../../../src/core/schedule/process-totals.ts';
import { Users } from '../../../../src/core/schedule/queue/users.ts';
import { policy } from '../../../support/recording-sink.ts';
import type { LearnedState, UserMemory } from '../../../../src/core/schedule/state.ts';

/** Users that each sent one call at the given time and have been idle since. */
function idleUsers(
  maxUsers: number,
  calledAtMs: Readonly<Record<string, number>>,
  totals = newTotals(),
) {
  const kept = new Map<string, LearnedState>();
  const users = new Users<string>(
    { ...policy, maxUsers },
    {
      totals,
      take: (name) => kept.get(name),
      keep: (name, learned) => kept.set(name, learned),
      get size() {
        return kept.size;
      },
    },
  );
  /** @param name user that sends a call and gets a 2xx answer at once */
  const call = (name: string, atMs: number): void => {
    const user = users.admit(name, 10, atMs);
    if (typeof user === 'string') throw new Error(user);
    user.proved = true;
    users.ended(user, 10, atMs);
  };
  for (const [name, atMs] of Object.entries(calledAtMs)) call(name, atMs);
  return { users, kept, call };
}

test('a user that is idle for ten seconds is reduced to its learned state, unless it calls in the meantime', () => {
  const { users, kept, call } = idleUsers(100, { early: 0, faithful: 1000, late: 4000 });
  call('faithful', 9000);
  users.sweep(9999);
  expect([...kept.keys()]).toEqual([]);
  users.sweep(10_000);
  expect([...kept.keys()]).toEqual(['early']);
  users.sweep(13_999);
  expect([...kept.keys()]).toEqual(['early']);
  users.sweep(14_000);
  expect([...kept.keys()]).toEqual(['early', 'late']);
  users.sweep(18_999);
  expect(users.find('faithful')).toBeDefined();
  users.sweep(19_000);
  expect([...kept.keys()]).toEqual(['early', 'late', 'faithful']);
  expect(users.find('faithful')).toBeUndefined();
});

test('above maxUsers, the users idle for longest are reduced to their learned state', () => {
  const { users, kept } = idleUsers(2, { a: 0, b: 1, c: 2, d: 3 });
  users.sweep(4);
  expect([...kept.keys()]).toEqual(['a', 'b']);
  expect(users.counts).toEqual({ active: 0, idle: 4 });
});

test('a user is reduced ten seconds after its last call, also if no other user was idle before', () => {
  const { users, kept, call } = idleUsers(100, {});
  users.sweep(0);
  call('first', 5000);
  users.sweep(14_999);
  expect(kept.size).toBe(0);
  users.sweep(15_000);
  expect(kept.size).toBe(1);
});

test('a user with an open pass-through call is kept whole', () => {
  const { users, kept } = idleUsers(100, { ann: 0 });
  users.open('ann', 5000).outstanding += 1;
  users.sweep(30_000);
  expect([kept.size, users.counts]).toEqual([0, { active: 1, idle: 0 }]);
});

test('a user that is marked as idle several times counts as idle from the first time on, and counts once', () => {
  const { users, kept } = idleUsers(100, { ann: 0, bob: 1 });
  for (const nowMs of [2, 3]) users.idle(users.find('ann')!, nowMs);
  expect(users.counts).toEqual({ active: 0, idle: 2 });
  users.sweep(10_000);
  users.sweep(10_001);
  expect([[...kept.keys()], users.counts]).toEqual([['ann', 'bob'], { active: 0, idle: 2 }]);
});

test('idle users of all pools together are at most as many as the limit', () => {
  const totals = newTotals();
  const first = idleUsers(3, { ann: 0, ben: 0 }, totals);
  const second = idleUsers(3, { cid: 1 }, totals);
  expect(totals.idleUsers).toBe(3);
  second.call('dan', 2);
  second.users.sweep(3);
  expect([...second.kept.keys()]).toEqual(['cid']);
  expect([totals.idleUsers, first.kept.size]).toEqual([3, 0]);
});

test('calls and bytes of all pools together are at most as many as the limits', () => {
  const totals = newTotals();
  const pools = [1, 2].map(
    () => new Users<string>({ ...policy, maxQueuedCalls: 3 }, memoryOf(totals)),
  );
  const [one, two] = pools as [Users<string>, Users<string>];
  expect([one.admit('ann', 1, 0), one.admit('ben', 1, 0), two.admit('ann', 1, 0)]).toEqual(
    Array(3).fill(expect.objectContaining({ calls: 1 })),
  );
  expect([one.admit('cid', 1, 0), two.admit('cid', 1, 0)]).toEqual(['queue_calls', 'queue_calls']);
  const ann = two.find('ann');
  if (ann !== undefined) two.ended(ann, 1, 1);
  const large = policy.maxQueuedBytes - 2;
  expect(one.admit('cid', large + 1, 2)).toBe('queue_bytes');
  expect(one.admit('cid', 1, 2)).toMatchObject({ calls: 1 });
  expect(totals).toMatchObject({ calls: 3, bytes: 3 });
});

function memoryOf(totals: ProcessTotals): UserMemory {
  return { totals, size: 0, take: () => undefined, keep: () => undefined };
}
