/**
 * Explores each order of events, of any length, in a small model. Equivalent states are visited once.
 *
 * The model has three connections to the pool and three clients, and two of the clients sign in by connection.
 * Its events are requests, answers, disconnects, closed connections, drains and restarts. The tests also plant
 * faults. The label finds each fault, and without labels the clients see it.
 */
import { describe, expect, test } from '@jest/globals';
import { explore } from '../support/connection-explorer.ts';
import type { Planted } from '../support/connection-model.ts';

test('no order of events signs in a client as another client, or misuses a connection', () => {
  const { states, wrong } = explore({});
  expect([...wrong]).toEqual([]);
  // The number of states shows that the model explores many orders.
  expect(states).toBe(35_948);
});

test('no order of events does so without labels, because labels are a second line of defense', () => {
  expect([...explore({ noLabels: true }).wrong]).toEqual([]);
});

const faults: ReadonlyArray<readonly [string, Planted]> = [
  ['binding too late', { bindsTooLate: true }],
  ['binding only after a challenge', { bindsOnChallengeOnly: true }],
  ['reuse of a bound connection after an abort', { givesBackAfterAbort: true }],
  ['an overlooked scheme', { overlooks: 'Nego2' }],
];

describe.each(faults)('a planted fault: %s', (_, planted) => {
  test('is stopped by the label before a client receives an answer of another user', () => {
    const { wrong } = explore(planted, 7);
    expect(wrong.has('violation')).toBe(true);
    expect(wrong.has('answered as somebody else')).toBe(false);
  });

  test('gives a client an answer of another user if there are no labels', () => {
    expect(explore({ ...planted, noLabels: true }, 7).wrong.has('answered as somebody else')).toBe(
      true,
    );
  });
});

test('a client that a challenge should have bound is found at its next request', () => {
  const { wrong } = explore({ bindsOnCredentialOnly: true }, 4);
  expect(wrong.get('not its own connection')?.length).toBe(3);
});
