import { expect, test } from '@jest/globals';
import { didYouMean, nearest } from '../../src/settings/nearest.ts';

const words = ['listen', 'linger', 'log-level', 'mode'];

test.each([
  ['lisen', 'listen'],
  ['LINGER', 'linger'],
  ['lnger', 'linger'],
  ['loglevel', 'log-level'],
  ['mod', 'mode'],
])('%s is near %s', (word, expected) => {
  expect(nearest(word, words)).toBe(expected);
});

test.each(['', 'x', 'upstream', 'level'])('%j is near none', (word) => {
  expect(nearest(word, words)).toBeUndefined();
  expect(didYouMean(word, words)).toBe('');
});

test('a complaint ends with what was probably meant', () => {
  expect(didYouMean('lisen', words, '--')).toBe(', did you mean --listen?');
});
