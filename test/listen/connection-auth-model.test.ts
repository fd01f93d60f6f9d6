/**
 * Every order of events, of any length, in a small world. Two clients sign in by connection, and one does not.
 * There are three connections to the pool. Events are requests, answers, clients that leave, closed connections,
 * drains and restarts. Equal states are visited once. The label finds each planted fault. Without labels, a client
 * sees the fault.
 */
import { describe, expect, test } from '@jest/globals';
import { explore } from '../support/connection-explorer.ts';
import type { Planted } from '../support/connection-world.ts';

test('no order of events signs a client in as another one, or misuses a connection', () => {
  const { states, wrong } = explore({});
  expect([...wrong]).toEqual([]);
  // The number shows that the world is large enough.
  expect(states).toBe(35_948);
});

test('no order of events does so without labels either, because labels are a second check', () => {
  expect([...explore({ noLabels: true }).wrong]).toEqual([]);
});

const faults: ReadonlyArray<readonly [string, Planted]> = [
  ['a client that is bound too late', { bindsTooLate: true }],
  ['a client that is bound by a challenge only', { bindsOnChallengeOnly: true }],
  ['a bound connection that is given back after an abort', { givesBackAfterAbort: true }],
  ['a scheme that is overlooked', { overlooks: 'Nego2' }],
];

describe.each(faults)('a planted fault: %s', (_, planted) => {
  test('is stopped by the label before a client receives an answer of another user', () => {
    const { wrong } = explore(planted, { depth: 7 });
    expect(wrong.has('violation')).toBe(true);
    expect(wrong.has('answered as somebody else')).toBe(false);
  });

  test('gives a client an answer of another user if there are no labels', () => {
    const until = 'answered as somebody else';
    const { wrong } = explore({ ...planted, noLabels: true }, { depth: 7, until });
    expect(wrong.has(until)).toBe(true);
  });
});

test('a client that a challenge should have bound is found at its next request', () => {
  const { wrong } = explore({ bindsOnCredentialOnly: true }, { depth: 4 });
  expect(wrong.get('not its own connection')?.length).toBe(3);
});
