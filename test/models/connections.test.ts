/**
 * SPIN explores the model of connections that a sign-in taints. `test/listen/connection-auth-model.test.ts`
 * explores the same world with the code of the proxy.
 */
import { expect } from '@jest/globals';
import { onlyWith } from '../support/real-parts.ts';
import { explore } from '../support/spin.ts';

const testWithSpin = onlyWith('spin', 'gcc');

testWithSpin('no client uses a connection on which another one signs in', () => {
  // A choice that is not possible ends a run.
  const [sound, ...planted] = explore('connections', [0, 1, 2, 3, 4], ['-E']);
  // The number shows that the world is large enough.
  expect(sound).toEqual({ states: 488_149, fault: undefined });
  expect(planted.map(({ fault }) => fault)).toEqual([
    expect.stringContaining('.owner==c'),
    expect.stringContaining('.owner==c'),
    expect.stringContaining('.user==c'),
    expect.stringContaining('.owner==c'),
  ]);
});
