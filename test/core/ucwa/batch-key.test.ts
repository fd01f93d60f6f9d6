import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { batchKey, sameKey, credentialsOf } from '../../../src/core/ucwa/batch-key.ts';
import { readHead } from '../../../src/core/admit/request-head.ts';

const fields = [
  'Authorization',
  'X-MS-WebTicket',
  'Cookie',
  'Origin',
  'X-Ms-Origin',
  'X-MS-RequiresMinResourceVersion',
] as const;
const value = fc.option(fc.constantFrom('a', 'A', 'a ', 'Bearer a', 'bearer a', 'a='), {
  nil: undefined,
});
const someFields = fc.tuple(value, value, value, value, value, value);

function headersOf(values: ReadonlyArray<string | undefined>): string[] {
  return fields.flatMap((name, i) => {
    const text = values[i];
    return text === undefined ? [] : [name, text];
  });
}

describe('the batch key', () => {
  test('two calls have the same key exactly if their fields in the envelope are all equal', () => {
    fc.assert(
      fc.property(someFields, someFields, (a, b) => {
        const [first, second] = [a, b].map((values) =>
          batchKey('/ucwa/v1/applications/1', readHead(headersOf(values)), 'pool', []),
        );
        expect(sameKey(first!, second!)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });

  // The property above seldom draws two calls that differ in only one field.
  describe.each(fields)('calls that differ only in %s have different keys', (name) => {
    const rest = fields.filter((other) => other !== name).flatMap((other) => [other, 'a']);
    const key = (...own: string[]) =>
      batchKey('/ucwa/v1/applications/1', readHead([...rest, ...own]), 'pool', []);

    test.each([['b'], ['A'], ['a '], [' a'], ['a='], ['']])('%j instead of "a"', (text) => {
      expect(sameKey(key(name, 'a'), key(name, 'a'))).toBe(true);
      expect(sameKey(key(name, 'a'), key(name, text))).toBe(false);
      expect(sameKey(key(name, text), key(name, 'a'))).toBe(false);
      expect(sameKey(key(name, text), key())).toBe(false);
    });
  });

  test('another application or another forwarded address makes another key', () => {
    const facts = readHead(['Authorization', 'a']);
    const key = batchKey('/ucwa/v1/applications/1', facts, 'pool', []);
    expect(sameKey(key, batchKey('/ucwa/v1/applications/2', facts, 'pool', []))).toBe(false);
    expect(
      sameKey(
        key,
        batchKey('/ucwa/v1/applications/1', facts, 'pool', ['X-Forwarded-For', '10.0.0.1']),
      ),
    ).toBe(false);
  });

  test('two requests have the same credentials string only if both credentials are equal', () => {
    fc.assert(
      fc.property(
        value,
        value,
        value,
        value,
        (authorization, webTicket, otherAuth, otherTicket) => {
          fc.pre(authorization !== undefined || webTicket !== undefined);
          fc.pre(otherAuth !== undefined || otherTicket !== undefined);
          const same = authorization === otherAuth && webTicket === otherTicket;
          expect(
            credentialsOf({ authorization, webTicket }) ===
              credentialsOf({ authorization: otherAuth, webTicket: otherTicket }),
          ).toBe(same);
        },
      ),
    );
  });

  test('the credentials string contains the credentials exactly as sent', () => {
    expect(credentialsOf({ authorization: 'a', webTicket: undefined })).toBe('a');
    expect(credentialsOf({ authorization: undefined, webTicket: 'a' })).toBe('\na');
    expect(credentialsOf({ authorization: 'a', webTicket: 'b' })).toBe('a\nb');
    expect(credentialsOf({ authorization: undefined, webTicket: undefined })).toBe('');
  });

  test('field names are compared without case, and fields such as __proto__ change no key', () => {
    const key = (headers: string[]) => batchKey('/a', readHead(headers), 'pool', []);
    expect(sameKey(key(['authorization', 'a']), key(['AUTHORIZATION', 'a']))).toBe(true);
    expect(sameKey(key(['__proto__', 'x']), key(['constructor', 'y']))).toBe(true);
  });
});
