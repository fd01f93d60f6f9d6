import { expect, test } from '@jest/globals';
import { Paces } from '../../../src/core/shadow/pace.ts';
import { newShadowCall, type ShadowCall } from '../../../src/core/shadow/state.ts';
import { arrivalOf } from '../../support/played-call.ts';

const caps = { lingerMaxMs: 10, maxQueuedCallsPerUser: 5, maxUsers: 3 };

test('at most maxQueuedCallsPerUser calls of a user wait', () => {
  const paces = new Paces(caps);
  const pace = paces.of('ann', 0);
  const calls: ShadowCall[] = [];
  // The client waits for each answer. It really gets each answer at once, and none in the shadow.
  for (let nowMs = 0; nowMs < 1000; nowMs += 2) {
    const call = newShadowCall(arrivalOf('ann', { path: 'me' }), paces.of('ann', nowMs), nowMs);
    calls.push(call);
    paces.arrives(call, nowMs);
    paces.answered(call, nowMs + 1);
  }
  expect(pace.waiting).toHaveLength(5);
  // The waiting calls arrive one after the other.
  const inShadow = calls.slice(0, pace.inShadow);
  const released = inShadow.flatMap((call) => paces.over(call, 2000));
  expect(released).toHaveLength(1);
});

test('the paces of at most maxUsers idle users are kept', () => {
  const paces = new Paces(caps);
  const first = paces.of('user 0', 0);
  for (let n = 0; n < 100; n += 1) {
    const call = newShadowCall(arrivalOf('ann', { path: 'me' }), paces.of(`user ${n}`, n), n);
    paces.arrives(call, n);
    paces.answered(call, n);
    paces.over(call, n);
  }
  // The pace of the first user was dropped early, so this one is new.
  expect(paces.of('user 0', 100)).not.toBe(first);
  const last = paces.of('user 99', 100);
  expect(paces.of('user 99', 100)).toBe(last);
});

test('the pace of a user is dropped after ten idle seconds, but not while a call is unanswered', () => {
  const paces = new Paces(caps);
  /** Lets a call arrive. Returns a function that ends the call. */
  const calls = (nowMs: number): ((atMs: number) => void) => {
    const call = newShadowCall(arrivalOf('ann', { path: 'me' }), paces.of('ann', nowMs), nowMs);
    paces.arrives(call, nowMs);
    return (atMs) => {
      paces.answered(call, atMs);
      paces.over(call, atMs);
    };
  };
  const first = paces.of('ann', 0);
  calls(0)(0);
  const ends = calls(9999);
  expect(paces.of('ann', 30_000)).toBe(first);
  ends(30_000);
  calls(39_999)(39_999);
  expect(paces.of('ann', 39_999)).toBe(first);
  calls(40_000)(40_000);
  expect(paces.of('ann', 50_000)).not.toBe(first);
});
