import { describe, expect, test } from '@jest/globals';
import { LimitInheritance } from '../../../../src/core/schedule/answers/limit-inheritance.ts';
import { newUser } from '../../../../src/core/schedule/queue/users.ts';
import type { LearnedState } from '../../../../src/core/schedule/state.ts';

const newcomer = (): LearnedState => newUser('ann', undefined, 0).learned;

/** The learned state of a user after the pool has shown its limit. */
function refusedOnce(): LearnedState {
  const learned = newcomer();
  learned.limit.refused({ parts: 3, outstanding: 10, sentAtMs: 0, probe: false }, 5);
  return learned;
}

/** Records one 2xx answer for each of this number of applications. */
function passBy(inheritance: LimitInheritance, name: string, count: number): void {
  for (let i = 0; i < count; i += 1) inheritance.answered(`/${name}/${i}`, newcomer());
}

describe('a learned limit that the pool has shown', () => {
  test('is copied to the next credential of the same application', () => {
    const inheritance = new LimitInheritance(10);
    const old = refusedOnce();
    expect(inheritance.answered('/a', old)).toBe(false);
    const next = newcomer();
    expect(inheritance.answered('/a', next)).toBe(true);
    expect([next.limit.value, next.limit === old.limit]).toEqual([old.limit.value, false]);
    expect(inheritance.answered('/a', next)).toBe(false);
    expect(inheritance.answered('/b', newcomer())).toBe(false);
  });

  test('replaces no other limit that the pool has shown', () => {
    const inheritance = new LimitInheritance(10);
    inheritance.answered('/a', refusedOnce());
    expect(inheritance.answered('/a', refusedOnce())).toBe(false);
  });

  test.each([1, 2, 10, 11])(
    'with room for %s applications, is kept after fewer than half as many others, and not after as many',
    (most) => {
      for (const [behind, inherits] of [
        [Math.ceil(most / 2) - 1, true],
        [most, false],
      ] as const) {
        for (let before = 0; before <= most; before += 1) {
          const inheritance = new LimitInheritance(most);
          passBy(inheritance, 'before', before);
          inheritance.answered('/a', refusedOnce());
          passBy(inheritance, 'behind', behind);
          expect([before, inheritance.answered('/a', newcomer())]).toEqual([before, inherits]);
        }
      }
    },
  );

  test('is kept while its user is active, whatever other users come and go', () => {
    const inheritance = new LimitInheritance(10);
    const ann = refusedOnce();
    for (let turn = 0; turn < 50; turn += 1) {
      inheritance.answered('/a', ann);
      inheritance.answered(`/other/${turn}`, newcomer());
    }
    expect(inheritance.answered('/a', newcomer())).toBe(true);
  });
});
