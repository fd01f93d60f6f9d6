import { describe, expect, test } from '@jest/globals';
import {
  faulty,
  isFinal,
  isUnendedReset,
  transferCodings,
  withoutBody,
} from '../../../src/core/messages/odd-heads.ts';

const te = (...values: string[]): string[] =>
  values.flatMap((value) => ['Transfer-Encoding', value]);

describe('transfer codings', () => {
  test.each<[string[], string | undefined]>([
    [[], undefined],
    [['Content-Length', '5', 'Transfer-Encodinx', 'gzip'], undefined],
    [te('chunked'), undefined],
    [te('Chunked'), undefined],
    [te(' chunked '), undefined],
    [te(', ,chunked'), undefined],
    [te('', 'chunked'), undefined],
    [te('gzip, chunked'), 'gzip, chunked'],
    [te('GZip ,CHUNKED'), 'GZip, CHUNKED'],
    [te('gzip', 'chunked'), 'gzip, chunked'],
    [
      ['transfer-encoding', 'deflate', 'A', 'b', 'TRANSFER-ENCODING', 'chunked'],
      'deflate, chunked',
    ],
    [te('gzip;q=1, chunked'), 'gzip;q=1, chunked'],
    [te('identity, chunked'), 'identity, chunked'],
    [te(''), faulty],
    [te(','), faulty],
    [te('gzip'), faulty],
    [te('identity'), faulty],
    [te('chunked, gzip'), faulty],
    [te('chunked', 'gzip'), faulty],
    [te('chunked, chunked'), faulty],
    [te('gzip, chunked, chunked'), faulty],
    [te('xchunked'), faulty],
    [te('chunkedx'), faulty],
    [te('chunked;a=b'), faulty],
    // Node and undici read this response until its connection ends.
    [te('chunked\t'), faulty],
  ])('%j: %j', (headers, expected) => {
    expect(transferCodings(200, headers)).toBe(expected);
  });

  test.each([204, 304])('of a %i are ignored', (status) => {
    expect(transferCodings(status, te('gzip'))).toBeUndefined();
  });
});

test('final statuses are 200 to 599', () => {
  const ends = [0, 99, 100, 199, 200, 599, 600, 999];
  expect(ends.filter(isFinal)).toEqual([200, 599]);
});

test.each<[number, string[], boolean]>([
  [205, ['Content-Length', '0'], false],
  [205, ['content-length', '2'], true],
  [205, te('chunked'), true],
  [205, [], true],
  [200, [], false],
])('a %i with %j is a reset that may have a body: %s', (status, headers, expected) => {
  expect(isUnendedReset(status, headers)).toBe(expected);
});

test('withoutBody removes length and codings, and adds Content-Length: 0', () => {
  const headers = ['A', 'b', 'content-length', '5', ...te('gzip', 'chunked'), 'C', 'd'];
  expect(withoutBody(headers)).toEqual(['A', 'b', 'C', 'd', 'Content-Length', '0']);
});
