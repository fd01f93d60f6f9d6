import { expect, test } from '@jest/globals';
import { readBatchWish } from '../../../src/core/messages/batch-wish.ts';

const nothing = { never: false, explain: false, hasUnknown: false };

test.each([
  ['never', { ...nothing, never: true }],
  ['Explain', { ...nothing, explain: true }],
  ['never, EXPLAIN', { ...nothing, never: true, explain: true }],
  [' never ,,', { ...nothing, never: true }],
  ['', nothing],
  // An unknown value changes nothing, and the answer says so.
  ['foo', { ...nothing, explain: true, hasUnknown: true }],
  ['never; q=1', { ...nothing, explain: true, hasUnknown: true }],
  ['never, foo', { never: true, explain: true, hasUnknown: true }],
])('X-Ucwa-Batch: %j', (text, wish) => {
  expect(readBatchWish(text)).toEqual(wish);
});
