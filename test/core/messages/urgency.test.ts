/** `Priority` is read as RFC 9218 and RFC 9651 describe, and what is malformed is ignored. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readHead } from '../../../src/core/admit/request-head.ts';
import { readDictionary } from '../../../src/core/messages/structured-dictionary.ts';
import { urgencyOf } from '../../../src/core/messages/urgency.ts';

describe('the urgency of a Priority field', () => {
  test.each([
    ['u=0', 0],
    ['i, u=1', 1],
    ['u=0, i', 0],
    ['i, u=7', 7],
    ['  u=5  ', 5],
    ['u=5\t,\ti', 5],
    ['i', 3],
    ['', 3],
    // The last member with a name counts.
    ['u=1, u=6', 6],
    ['u=1, u=9', 3],
    ['u=1, u', 3],
    // Members and parameters that the proxy does not know.
    ['u=2;note="a, \\"b\\"";n=1.5, x=(1 "a" b);q, y=?0, z=:YQ==:, t=@-5, d=%"%c3%a4"', 2],
    ['*key_1.a-b=*token/a:b, u=4', 4],
    ['x=(), u=4', 4],
    ['x=(  1   2  ), u=4', 4],
    ['u=-0', 0],
    ['u=007', 7],
  ])('is read: %j', (value, urgency) => {
    expect(urgencyOf(value)).toBe(urgency);
  });

  test.each([
    'u=8',
    'u=-1',
    'u=2.0',
    'u="2"',
    'u=two',
    'u=?1',
    'u=(2)',
    'u=:Mg==:',
    'u=@2',
    'u=999999999999999',
  ])('is the usual one if it is no integer from 0 to 7: %j', (value) => {
    expect(urgencyOf(value)).toBe(3);
    expect(urgencyOf(`${value}, i`)).toBe(3);
  });

  test.each([
    'u=1,',
    ',u=1',
    'u=1,,i',
    'u=1 i',
    'u =1',
    'u= 1',
    'U=1',
    'u=1;',
    'u=1;=2',
    'u=1, I',
    'u=1, i=?2',
    'u=1, x=',
    'u=1, x=1.',
    'u=1, x=.5',
    'u=1, x=1.2345',
    'u=1, x=1234567890123.1',
    'u=1, x=1000000000000000',
    'u=1, x=1.2.3',
    'u=1, x="a',
    'u=1, x="a\\b"',
    'u=1, x="ä"',
    'u=1, x=(1',
    'u=1, x=(1"a")',
    'u=1, x=(1,2)',
    'u=1, x=:a',
    'u=1, x=@1.5',
    'u=1, x=%"%C3%A4"',
    'u=1, x=%"%ff"',
    '\tu=1',
    'u=1\u00a0',
    'u=1;x==1',
  ])('is the usual one if the field is no dictionary: %j', (value) => {
    expect(readDictionary(value)).toBeUndefined();
    expect(urgencyOf(value)).toBe(3);
  });

  test('is the usual one if the field is that of every fetch in a browser', () => {
    expect(urgencyOf('u=1, i')).toBe(3);
  });

  test('is the usual one if the field is longer than 256 bytes', () => {
    const value = `u=1, x="${'a'.repeat(247)}"`;
    expect(urgencyOf(value)).toBe(1);
    expect(urgencyOf(`${value} `)).toBe(3);
  });

  test('is an integer from 0 to 7 for every text, and no text makes the reader fail', () => {
    const pieces = fc.constantFrom('u', 'i', '=', ',', ' ', ';', '(', ')', '"', '1', '.', '-', '%');
    const texts = fc.oneof(
      fc.string(),
      fc.array(pieces).map((list) => list.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        expect([0, 1, 2, 3, 4, 5, 6, 7]).toContain(urgencyOf(text));
      }),
      { numRuns: 5000 },
    );
  });
});

test('several Priority lines are one dictionary', () => {
  const read = (...lines: string[]) =>
    readHead(lines.flatMap((line, i) => [i % 2 === 0 ? 'Priority' : 'priority', line])).priority;
  expect(read()).toBeUndefined();
  expect(urgencyOf(read('u=5', 'i') ?? '')).toBe(5);
  expect(urgencyOf(read('u=5', 'u=2') ?? '')).toBe(2);
  // A malformed line makes the whole field malformed.
  expect(urgencyOf(read('u=5', ',') ?? '')).toBe(3);
});
