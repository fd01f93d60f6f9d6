import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compare } from '../../../src/core/parity/comparison.ts';
import { fingerprintOf } from '../../../src/core/parity/fingerprint.ts';
import { Parity } from '../../../src/core/parity/parity.ts';

const json = ['Content-Type', 'application/json'];
const plain = fingerprintOf(200, json, 'a');
const other = fingerprintOf(200, json, 'b');
const third = fingerprintOf(200, json, 'c');

describe('a comparison', () => {
  test('finds a difference only where both direct answers are the same', () => {
    expect(compare(plain, [plain, plain])).toMatchObject({ outcome: 'same', kinds: [] });
    expect(compare(other, [plain, plain])).toEqual({
      ...{ outcome: 'differs', kinds: ['body'], odd: 'batched' },
    });
    expect(compare(plain, [plain, other])).toMatchObject({ outcome: 'noisy', odd: 'direct' });
    expect(compare(plain, [other, plain])).toMatchObject({ outcome: 'noisy', odd: 'direct' });
    expect(compare(plain, [other, third])).toMatchObject({ outcome: 'noisy', odd: undefined });
  });

  test('finds a difference of the status beside a noisy body', () => {
    const failed = fingerprintOf(500, json, '');
    expect(compare(failed, [plain, other])).toMatchObject({
      ...{ outcome: 'differs', kinds: ['status'] },
    });
  });

  test('compares the names of fields, whatever their order and their case, and the values of few', () => {
    const of = (...headers: string[]) => fingerprintOf(200, headers, '');
    const direct = of('Date', 'Mon', 'ETag', '"1"', 'Content-Length', '5');
    expect(compare(of('etag', '"1"', 'date', 'Tue'), [direct, direct])).toMatchObject({
      ...{ outcome: 'same', kinds: [] },
    });
    expect(compare(of('ETag', '"2"', 'Date', 'Mon'), [direct, direct])).toMatchObject({
      ...{ outcome: 'differs', kinds: ['header_content'] },
    });
    expect(compare(of('Date', 'Mon', 'ETag', '"1"', 'X-A', '1'), [direct, direct])).toMatchObject({
      ...{ outcome: 'same', kinds: ['header_other'] },
    });
  });

  test('never depends on the order of the direct answers, and never blames noise on the batch', () => {
    const answers = fc
      .tuple(fc.constantFrom(200, 500), fc.constantFrom('a', 'b', 'c'))
      .map(([status, body]) => fingerprintOf(status, json, body));
    fc.assert(
      fc.property(answers, answers, answers, (batched, first, second) => {
        const comparison = compare(batched, [first, second]);
        expect(compare(batched, [second, first])).toEqual(comparison);
        for (const kind of comparison.kinds) expect(first[kind]).toBe(second[kind]);
      }),
    );
  });
});

describe('parity', () => {
  const same = compare(plain, [plain, plain]);
  const differs = compare(other, [plain, plain]);

  test('says in one sentence how seldom answers differ', () => {
    const parity = new Parity();
    expect(parity.sentence).toBe('no answer from a batch was compared yet');
    for (let i = 0; i < 1000; i += 1) parity.add('/me', same);
    expect(parity.isProved).toBe(false);
    expect(parity.sentence).toBe(
      'the answer from a batch differs in less than 0.33 % with 95 % confidence, n = 1000',
    );
    for (let i = 0; i < 3000; i += 1) parity.add('/people', same);
    expect(parity.isProved).toBe(true);
    expect(parity.sentence).toBe(
      'the answer from a batch differs in less than 0.1 % with 95 % confidence, n = 4000',
    );
    parity.add('/people', differs);
    expect(parity.isProved).toBe(false);
    expect(parity.sentence).toContain('n = 4001, of which 1 differed');
  });

  test('counts by route and by kind, and finds the route that differs', () => {
    const parity = new Parity();
    const leaves = Array.from({ length: 8 }, () => {
      parity.add('/me', same);
      return parity.add('/me/note', differs);
    });
    expect(leaves).toEqual([...Array<boolean>(7).fill(false), true]);
    expect(parity.routes()).toEqual([
      { route: '/me', same: 8, differs: 0, noisy: 0, kinds: {} },
      { route: '/me/note', same: 0, differs: 8, noisy: 0, kinds: { body: 8 } },
    ]);
  });

  test('starts its proof anew when a route leaves', () => {
    const parity = new Parity();
    for (let i = 0; i < 8; i += 1) parity.add('/me', differs);
    parity.changed('/me');
    expect([parity.compared, parity.add('/me', differs)]).toEqual([0, false]);
  });

  test('remembers 256 routes, however many paths clients ask for', () => {
    const parity = new Parity();
    for (let i = 0; i < 1000; i += 1) parity.add(`/${i}`, same);
    expect(parity.routes()).toHaveLength(256);
  });
});
