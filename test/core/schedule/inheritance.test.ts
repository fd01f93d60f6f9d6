import { describe, expect, test } from '@jest/globals';
import { Inheritance } from '../../../src/core/schedule/inheritance.ts';
import type { Learnt } from '../../../src/core/schedule/user.ts';
import { newUser } from '../../../src/core/schedule/user.ts';

const newcomer = (): Learnt => newUser('ann', undefined, 0).learnt;

/** Somebody whose limit the pool has shown. */
function refusedOnce(): Learnt {
  const learnt = newcomer();
  learnt.limit.refused({ parts: 3, outstanding: 10, sentAtMs: 0, probe: false }, 5);
  return learnt;
}

/** `others` more applications, each answered once. */
function passBy(inheritance: Inheritance, others: number): void {
  for (let i = 0; i < others; i += 1) inheritance.answered(`/other/${i}`, newcomer());
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

  test.each([2, 10, 11])(
    'is remembered behind half of %s applications, and not behind all of them',
    (most) => {
      for (const [others, inherits] of [
        [Math.ceil(most / 2) - 1, true],
        [most, false],
      ] as const) {
        const inheritance = new Inheritance(most);
        inheritance.answered('/a', refusedOnce());
        passBy(inheritance, others);
        expect(inheritance.answered('/a', newcomer())).toBe(inherits);
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
