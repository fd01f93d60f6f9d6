import { expect, test } from '@jest/globals';
import { didYouMean, nearest } from '../../src/settings/nearest.ts';

const words = ['listen', 'linger', 'log-level', 'mode'];

test.each([
  ['lisen', 'listen'],
  ['LINGER', 'linger'],
  ['lnger', 'linger'],
  ['loglevel', 'log-level'],
  ['mod', 'mode'],
])('%s is similar to %s', (word, expected) => {
  expect(nearest(word, words)).toBe(expected);
});

test.each(['', 'x', 'upstream', 'level'])('%j is similar to no candidate', (word) => {
  expect(nearest(word, words)).toBeUndefined();
  expect(didYouMean(word, words)).toBe('');
});

test('the hint names the most similar candidate', () => {
  expect(didYouMean('lisen', words, '--')).toBe(', did you mean --listen?');
});
