import { expect, test } from '@jest/globals';
import { createUserNames } from '../../src/log/user-names.ts';

const { nameUser, hashOf } = createUserNames(Buffer.from('key'));

test('one credential at two pools has two names, and the log shows them by two hashes', () => {
  expect(nameUser('x', 'a')).toBe(nameUser('x', 'a'));
  expect(nameUser('x', 'a')).not.toBe(nameUser('x', 'b'));
  expect(hashOf(nameUser('x', 'a'))).not.toBe(hashOf(nameUser('x', 'b')));
});

test('the name of a pool and a credential do not run into each other', () => {
  expect(nameUser('bc', 'a')).not.toBe(nameUser('c', 'ab'));
});

test('two credentials, and two keys, have different names', () => {
  expect(nameUser('x', 'a')).not.toBe(nameUser('y', 'a'));
  expect(createUserNames(Buffer.from('other')).nameUser('x', 'a')).not.toBe(nameUser('x', 'a'));
});
