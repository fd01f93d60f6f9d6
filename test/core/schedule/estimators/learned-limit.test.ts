import { describe, expect, test } from '@jest/globals';
import {
  LearnedLimit,
  type SentRequest,
} from '../../../../src/core/schedule/estimators/learned-limit.ts';

/** A request with this number of outstanding calls at its dispatch, including its own. */
function left(parts: number, outstanding: number, sentAtMs: number, probe = false): SentRequest {
  return { parts, outstanding, sentAtMs, probe };
}

/** A limit that was refused at a number of outstanding calls, and then accepted at one less. */
function at(ceiling: number, nowMs = 0): LearnedLimit {
  const limit = new LearnedLimit();
  for (let now = nowMs - 200; limit.value < ceiling; now += 1) {
    limit.accepted(left(1, limit.value, now));
  }
  limit.refused(left(1, ceiling + 1, nowMs - 10), nowMs);
  limit.sent(false, nowMs);
  limit.accepted(left(1, ceiling, nowMs));
  return limit;
}

describe('slow start', () => {
  test('begins at 20 with batches of any size', () => {
    const limit = new LearnedLimit();
    expect(limit.value).toBe(20);
    expect(limit.isMet).toBe(false);
    expect(limit.maxParts(20)).toBe(20);
  });

  test('grows by the accepted parts until the first refusal', () => {
    const limit = new LearnedLimit();
    limit.accepted(left(20, 20, 0));
    expect(limit.value).toBe(40);
    limit.accepted(left(20, 40, 30));
    expect(limit.value).toBe(60);
  });

  test('raises the limit to the number of outstanding calls', () => {
    const limit = new LearnedLimit();
    limit.accepted(left(1, 90, 0));
    expect(limit.value).toBe(90);
  });

  test('does not grow if less than half of the limit is used', () => {
    const limit = new LearnedLimit();
    for (let i = 0; i < 100; i += 1) limit.accepted(left(1, 9, i));
    expect(limit.value).toBe(20);
  });
});

describe('the ceiling', () => {
  test('is the number of outstanding calls at the refusal, less one', () => {
    const limit = new LearnedLimit();
    expect(limit.refused(left(5, 14, 0), 10)).toBe(true);
    expect(limit.value).toBe(13);
    expect(limit.isMet).toBe(true);
  });

  test('bounds the growth of the limit', () => {
    const limit = at(9);
    for (let i = 1; i < 100; i += 1) limit.accepted(left(3, 9, i));
    expect(limit.value).toBe(9);
  });

  test('allows a batch of a third of the limit', () => {
    expect(at(9).maxParts(20)).toBe(3);
    expect(at(100).maxParts(20)).toBe(20);
    expect(at(1).maxParts(20)).toBe(1);
  });
});

describe('a probe', () => {
  test('is due 3 s after the refusal, and every 3 s from then on', () => {
    const limit = at(9);
    expect(limit.probes(2999)).toBe(false);
    expect(limit.probes(3000)).toBe(true);
    limit.sent(true, 3000);
    expect(limit.probes(9000)).toBe(false);
    limit.refused(left(1, 10, 3000, true), 3005);
    limit.sent(false, 3050);
    limit.accepted(left(3, 8, 3050));
    expect(limit.value).toBe(9);
    expect(limit.probes(6004)).toBe(false);
    expect(limit.probes(6005)).toBe(true);
  });

  test('that is refused lowers the limit by one, which grows back', () => {
    const limit = at(9);
    limit.sent(true, 3000);
    limit.refused(left(1, 10, 3000, true), 3005);
    expect(limit.value).toBe(8);
    limit.accepted(left(3, 8, 3010));
    expect(limit.value).toBe(9);
  });

  test('that is accepted begins slow start again', () => {
    const limit = at(9);
    limit.sent(true, 3000);
    limit.accepted(left(1, 10, 3000, true));
    const reopened = limit.value;
    limit.accepted(left(4, reopened, 3040));
    expect(limit.value).toBe(reopened + 4);
    expect(limit.probes(90_000)).toBe(false);
  });

  test('that loses its connection may be repeated', () => {
    const limit = at(9);
    limit.sent(true, 3000);
    limit.lost(left(1, 10, 3000, true));
    expect(limit.probes(6000)).toBe(true);
  });
});

describe('a decrease', () => {
  test('to 0.7 follows a second refusal, if no request that was sent since was accepted', () => {
    const limit = at(40);
    limit.refused(left(10, 30, 1000), 1005);
    expect(limit.value).toBe(29);
    limit.refused(left(10, 29, 1050), 1055);
    expect(limit.value).toBe(20);
  });

  test('to 0.7 does not follow if a request was accepted in between', () => {
    const limit = at(40);
    limit.refused(left(10, 30, 1000), 1005);
    limit.accepted(left(5, 20, 1050));
    limit.refused(left(10, 29, 1060), 1065);
    expect(limit.value).toBe(28);
  });

  test('happens once for all refused requests that were sent before it', () => {
    const limit = at(40);
    expect(limit.refused(left(10, 30, 1000), 1005)).toBe(true);
    expect(limit.refused(left(10, 40, 1001), 1006)).toBe(false);
    expect(limit.refused(left(10, 20, 999), 1007)).toBe(false);
    expect(limit.value).toBe(29);
  });

  test('never goes below one', () => {
    const limit = new LearnedLimit();
    for (let i = 1; i < 20; i += 1) limit.refused(left(1, 1, i * 10), i * 10 + 5);
    expect(limit.value).toBe(1);
    expect(limit.maxParts(20)).toBe(1);
  });

  test('lets only one request go, until the time in which it would have been refused', () => {
    const limit = at(9);
    limit.refused(left(3, 9, 1000), 1015);
    expect(limit.trialEndsAtMs).toBe(-Infinity);
    limit.sent(false, 1050);
    expect(limit.trialEndsAtMs).toBe(1080);
    limit.accepted(left(2, 2, 1050));
    expect(limit.trialEndsAtMs).toBe(-Infinity);
  });
});

describe('a batch that is refused with no other call outstanding', () => {
  test('halves the size of batches, which grows back as batches reach it', () => {
    const limit = at(100);
    limit.refused(left(20, 20, 1000), 1005);
    expect(limit.maxParts(20)).toBe(7);
    const large = new LearnedLimit();
    large.halveSize(20);
    expect(large.maxParts(20)).toBe(10);
    large.accepted(left(10, 10, 0));
    expect(large.maxParts(20)).toBe(11);
    large.accepted(left(5, 5, 1));
    expect(large.maxParts(20)).toBe(11);
  });
});
