import { describe, expect, test } from '@jest/globals';
import { Inheritance } from '../../../../src/core/schedule/answers/limit-inheritance.ts';
import { newUser } from '../../../../src/core/schedule/queue/users.ts';
import type { Learnt } from '../../../../src/core/schedule/state.ts';

const newcomer = (): Learnt => newUser('ann', undefined, 0).learnt;

/** Somebody whose limit the pool has shown. */
function refusedOnce(): Learnt {
  const learnt = newcomer();
  learnt.limit.refused({ parts: 3, outstanding: 10, sentAtMs: 0, probe: false }, 5);
  return learnt;
}

/** So many applications, each answered once. */
function passBy(inheritance: Inheritance, name: string, count: number): void {
  for (let i = 0; i < count; i += 1) inheritance.answered(`/${name}/${i}`, newcomer());
}

describe('a limit that was met', () => {
  test('goes over to the next credential of the same application, as a limit of its own', () => {
    const inheritance = new Inheritance(10);
    const old = refusedOnce();
    expect(inheritance.answered('/a', old)).toBe(false);
    const next = newcomer();
    expect(inheritance.answered('/a', next)).toBe(true);
    expect([next.limit.value, next.limit === old.limit]).toEqual([old.limit.value, false]);
    expect(inheritance.answered('/a', next)).toBe(false);
    expect(inheritance.answered('/b', newcomer())).toBe(false);
  });

  test('takes the place of no other that was met', () => {
    const inheritance = new Inheritance(10);
    inheritance.answered('/a', refusedOnce());
    expect(inheritance.answered('/a', refusedOnce())).toBe(false);
  });

  test.each([1, 2, 10, 11])(
    'of %s applications is remembered behind fewer than half, and not behind as many more',
    (most) => {
      for (const [behind, inherits] of [
        [Math.ceil(most / 2) - 1, true],
        [most, false],
      ] as const) {
        for (let before = 0; before <= most; before += 1) {
          const inheritance = new Inheritance(most);
          passBy(inheritance, 'before', before);
          inheritance.answered('/a', refusedOnce());
          passBy(inheritance, 'behind', behind);
          expect([before, inheritance.answered('/a', newcomer())]).toEqual([before, inherits]);
        }
      }
    },
  );

  test('is remembered for as long as its user goes on, whoever else comes and goes', () => {
    const inheritance = new Inheritance(10);
    const ann = refusedOnce();
    for (let turn = 0; turn < 50; turn += 1) {
      inheritance.answered('/a', ann);
      inheritance.answered(`/other/${turn}`, newcomer());
    }
    expect(inheritance.answered('/a', newcomer())).toBe(true);
  });
});
