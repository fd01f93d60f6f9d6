import { describe, expect, test } from '@jest/globals';
import { type Borrower, ConnectionLabel, shared } from '../../src/core/connection-label.ts';

const alice = { name: 'a connection of Alice' };
const bob = { name: 'a connection of Bob' };
const batch: Borrower = { client: undefined, signsIn: false, isBound: false };
const ofBob: Borrower = { client: bob, signsIn: false, isBound: false };
const ofAlice: Borrower = { client: alice, signsIn: true, isBound: true };

/** Returns the code of the error that `act` throws, or `undefined`. */
function broken(act: () => void): unknown {
  try {
    act();
    return undefined;
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

describe('a shared connection', () => {
  test('carries requests of all users, one at a time', () => {
    const label = new ConnectionLabel(shared);
    label.lend(batch);
    label.assertMayWrite();
    label.answered(false);
    label.giveBack();
    label.lend(ofBob);
    expect([label.isLent, label.isSpent]).toEqual([true, false]);
    expect(broken(() => label.lend(batch))).toBe('own_connection');
  });

  test.each<[string, Borrower]>([
    ['a request that signs in', { ...ofBob, signsIn: true }],
    ['a request of a client that is bound', { ...ofBob, isBound: true }],
  ])('never carries %s, and nothing after it was about to', (_, borrower) => {
    const label = new ConnectionLabel(shared);
    expect(broken(() => label.lend(borrower))).toBe('own_connection');
    expect(label.isSpent).toBe(true);
    expect(broken(() => label.lend(batch))).toBe('own_connection');
  });

  test('is spent when the pool offers or confirms a sign-in on it', () => {
    const label = new ConnectionLabel(shared);
    label.lend(ofBob);
    label.answered(true);
    label.answered(false);
    label.giveBack();
    expect(label.isSpent).toBe(true);
    expect(broken(() => label.lend(ofBob))).toBe('own_connection');
  });
});

describe('a bound connection', () => {
  test('carries the requests of its client only, signed in or not', () => {
    const label = new ConnectionLabel(alice);
    label.lend(ofAlice);
    label.answered(true);
    label.giveBack();
    label.lend({ ...ofAlice, signsIn: false });
    label.giveBack();
    expect(label.isSpent).toBe(false);
    expect(broken(() => label.lend({ ...ofBob, isBound: true }))).toBe('own_connection');
  });

  test('never carries a batch', () => {
    expect(broken(() => new ConnectionLabel(alice).lend(batch))).toBe('own_connection');
  });
});

test('a connection names its borrower, and a spent connection is not lent again', () => {
  const label = new ConnectionLabel(shared);
  expect(label.borrower).toBeUndefined();
  label.lend(ofBob);
  expect(label.borrower).toBe(ofBob);
  label.spend();
  label.giveBack();
  expect([label.borrower, label.isSpent]).toEqual([undefined, true]);
  expect(broken(() => label.lend(ofBob))).toBe('own_connection');
});

test('nothing is written to a connection that is lent to no request', () => {
  const label = new ConnectionLabel(shared);
  expect(broken(() => label.assertMayWrite())).toBe('own_connection');
  const other = new ConnectionLabel(shared);
  other.lend(batch);
  other.giveBack();
  expect(broken(() => other.assertMayWrite())).toBe('own_connection');
});
