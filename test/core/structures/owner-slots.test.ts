import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { OwnerSlots } from '../../../src/core/structures/owner-slots.ts';

/** Records the order in which work begins. */
function recorder(slots: OwnerSlots): {
  begun: string[];
  acquire: (owner: string, name: string) => () => void;
} {
  const begun: string[] = [];
  return { begun, acquire: (owner, name) => slots.acquire(owner, () => begun.push(name)) };
}

describe('slots of an owner', () => {
  test('work within the limit begins at once, and further work waits in the order in which it came', () => {
    const { begun, acquire } = recorder(new OwnerSlots(2));
    const releaseFirst = acquire('a', 'first');
    acquire('a', 'second');
    acquire('a', 'third');
    acquire('a', 'fourth');
    expect(begun).toEqual(['first', 'second']);
    releaseFirst();
    expect(begun).toEqual(['first', 'second', 'third']);
  });

  test('an owner whose slots are all taken does not delay another owner', () => {
    const { begun, acquire } = recorder(new OwnerSlots(1));
    acquire('a', 'of a');
    acquire('a', 'waits');
    acquire('b', 'of b');
    expect(begun).toEqual(['of a', 'of b']);
  });

  test('work that is released while it waits never begins', () => {
    const { begun, acquire } = recorder(new OwnerSlots(1));
    const releaseFirst = acquire('a', 'first');
    acquire('a', 'gone')();
    acquire('a', 'third');
    releaseFirst();
    expect(begun).toEqual(['first', 'third']);
  });

  test('a second release of the same work frees no second slot', () => {
    const { begun, acquire } = recorder(new OwnerSlots(1));
    const release = acquire('a', 'first');
    acquire('a', 'second');
    acquire('a', 'third');
    release();
    release();
    expect(begun).toEqual(['first', 'second']);
  });

  test('100,000 waiting pieces of work that each end as they begin need no deep stack', () => {
    const slots = new OwnerSlots(1);
    const release = slots.acquire('a', () => undefined);
    let begun = 0;
    for (let i = 0; i < 100_000; i += 1) {
      const end = slots.acquire('a', () => {
        begun += 1;
        end();
      });
    }
    release();
    expect(begun).toBe(100_000);
    expect(slots.size).toBe(0);
  });

  test('in any order of calls, slots stay within the limit, are granted in order of arrival, and are never idle while work waits', () => {
    const step = fc.record({ owner: fc.constantFrom('a', 'b'), release: fc.option(fc.nat(9)) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.array(step), (max, steps) => {
        const slots = new OwnerSlots(max);
        const owned = new Map([
          ['a', [] as Array<{ begun: boolean; release: () => void }>],
          ['b', []],
        ]);
        for (const { owner, release } of steps) {
          const works = owned.get(owner)!;
          if (release === null) {
            const work = { begun: false, release: (): void => undefined };
            works.push(work);
            work.release = slots.acquire(owner, () => (work.begun = true));
          } else works.splice(release, 1)[0]?.release();
          const expected = works.map((_, index) => index < max);
          const begun = works.filter((work) => work.begun);
          expect(begun).toHaveLength(Math.min(max, works.length));
          // The release of waiting work does not change the order of the others.
          expect(works.map((work) => work.begun)).toEqual(expected);
        }
        for (const works of owned.values()) for (const { release } of works) release();
        expect(slots.size).toBe(0);
      }),
    );
  });
});

test('the number of waiting pieces of work counts those of all owners', () => {
  const slots = new OwnerSlots(1);
  const { acquire } = recorder(slots);
  const release = acquire('a', 'begins');
  acquire('a', 'waits');
  acquire('b', 'begins');
  const leave = acquire('b', 'waits');
  expect(slots.waiting).toBe(2);
  leave();
  release();
  expect(slots.waiting).toBe(0);
});
