/**
 * Every order of events, of any length, in a small world: two clients that sign in by connection, one that
 * does not, three connections to the pool; requests, answers, leavers, closed connections, drains,
 * restarts. States that differ in nothing that matters are visited once. What is planted is found, by the
 * label and, without labels, by what clients see.
 */
import { describe, expect, test } from '@jest/globals';
import { explore } from '../support/connection-explorer.ts';
import type { Planted } from '../support/connection-world.ts';

test('no order of events signs a client in as another one, or misuses a connection', () => {
  const { states, wrong } = explore({});
  expect([...wrong]).toEqual([]);
  // The world is not so small that nothing could happen in it.
  expect(states).toBe(35_948);
});

test('nor would it without the labels: they are a second line', () => {
  expect([...explore({ noLabels: true }).wrong]).toEqual([]);
});

const faults: ReadonlyArray<readonly [string, Planted]> = [
  ['a client that is bound too late', { bindsTooLate: true }],
  ['a client that is bound by a challenge only', { bindsOnChallengeOnly: true }],
  ['a bound connection that is given back after an abort', { givesBackAfterAbort: true }],
  ['a scheme that is overlooked', { overlooks: 'Nego2' }],
];

describe.each(faults)('%s', (_, planted) => {
  test('is stopped by the label, before anybody is answered as somebody else', () => {
    const { wrong } = explore(planted, { depth: 7 });
    expect(wrong.has('violation')).toBe(true);
    expect(wrong.has('answered as somebody else')).toBe(false);
  });

  test('signs in somebody as somebody else, if nothing looks at labels', () => {
    const until = 'answered as somebody else';
    const { wrong } = explore({ ...planted, noLabels: true }, { depth: 7, until });
    expect(wrong.has(until)).toBe(true);
  });
});

test('a client that is not bound by a challenge is found at its next request', () => {
  const { wrong } = explore({ bindsOnCredentialOnly: true }, { depth: 4 });
  expect(wrong.get('not its own connection')?.length).toBe(3);
});
