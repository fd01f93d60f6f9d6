import { describe, expect, test } from '@jest/globals';
import { credentialsOf } from '../../../../src/core/ucwa/batch-key.ts';
import { aKey, aReply, Recorder } from '../../../support/recording-sink.ts';

describe('the adaptive hold', () => {
  /** Lets a user send pairs of calls with this gap, until the gaps are known. */
  function taught(gapMs: number): Recorder {
    const recorder = new Recorder({ mode: 'adaptive', lingerMaxMs: 15 });
    for (let i = 0; i < 60; i += 1) {
      const startMs = i * 1000;
      recorder.submit(`x${i}`, startMs, aKey('teacher'));
      recorder.turn(startMs);
      recorder.submit(`y${i}`, startMs + gapMs, aKey('teacher'));
      recorder.turn(startMs + gapMs);
      recorder.core.wake(startMs + gapMs + 20);
      recorder.grant(startMs + gapMs + 20);
      for (const batch of recorder.batches.splice(0)) {
        recorder.core.settle(batch, { kind: 'relay', reply: aReply('') }, startMs + 500);
      }
    }
    recorder.endings.length = 0;
    return recorder;
  }
  const later = 100_000;

  test('does not hold before enough gaps are known', () => {
    const recorder = new Recorder({ mode: 'adaptive' });
    recorder.submit('a', 0);
    recorder.submit('b', 0);
    expect(recorder.grant(0)).toEqual([]);
    recorder.turn(0);
    expect(recorder.grant(0)).toEqual(['a b (idle)']);
  });

  test('holds until a likely companion has arrived, and no longer', () => {
    const recorder = taught(4);
    recorder.alarmAtMs = Infinity;
    recorder.submit('a', later);
    // A hold that begins with the call itself asks for its own end.
    expect(recorder.alarmAtMs).toBeLessThan(later + 10);
    expect(recorder.alarmAtMs).toBeGreaterThan(later);
    recorder.alarmAtMs = Infinity;
    recorder.turn(later);
    expect(recorder.grant(later)).toEqual([]);
    expect(recorder.alarmAtMs).toBeLessThan(later + 10);
    recorder.core.wake(recorder.alarmAtMs);
    expect(recorder.grant(recorder.alarmAtMs)).toEqual(['a (idle)']);
  });

  test('ends when a burst has its usual number of calls', () => {
    const recorder = taught(4);
    recorder.submit('a', later);
    recorder.turn(later);
    expect(recorder.grant(later)).toEqual([]);
    recorder.submit('b', later + 4);
    recorder.turn(later + 4);
    expect(recorder.grant(later + 4)).toEqual(['a b (idle)']);
  });

  test('uses all known gaps for a burst that is longer than any before', () => {
    const recorder = taught(4);
    const left = Object.entries({ a: 0, b: 4, c: 5 }).flatMap(([ticket, atMs]) => {
      recorder.submit(ticket, later + atMs);
      recorder.turn(later + atMs);
      return recorder.grant(later + atMs);
    });
    expect(left).toEqual(['a b (idle)']);
    recorder.submit('d', later + 9);
    recorder.core.wake(later + 20);
    expect(recorder.grant(later + 20)).toEqual(['c d (linger)']);
  });

  test('learns nothing from a credential that the pool never accepted', () => {
    const recorder = taught(4);
    // Keeps another call of the user outstanding all the time, so that the user is not idle.
    recorder.core.passedThrough(credentialsOf(aKey('junk')), 1, false, later);
    for (let i = 0; i < 600; i += 1) {
      recorder.submit(`j${i}`, later + i * 400, aKey('junk'));
      recorder.turn(later + i * 400);
      recorder.core.wake(later + i * 400 + 20);
      recorder.grant(later + i * 400 + 20);
      const no = { ...aReply('401'), status: 401 };
      recorder.core.settle(
        recorder.batches.pop()!,
        { kind: 'relay', reply: no },
        later + i * 400 + 9,
      );
    }
    const now = later + 300_000;
    recorder.submit('a', now);
    recorder.turn(now);
    expect(recorder.grant(now)).toEqual([]);
  });

  test('never exceeds the linger', () => {
    const recorder = taught(14);
    for (let i = 0; i < 4; i += 1) {
      recorder.submit(`a${i}`, later + i * 4);
      recorder.turn(later + i * 4);
    }
    recorder.core.wake(later + 15);
    const [batch] = recorder.grant(later + 15);
    expect(batch).toMatch(/^a0 a1/);
  });

  test('does not hold if companions arrive too late to be worth it', () => {
    const recorder = taught(400);
    recorder.submit('a', later);
    recorder.turn(later);
    expect(recorder.grant(later)).toEqual(['a (idle)']);
  });

  test('does not wait for the end of the turn if a companion is too unlikely', () => {
    const recorder = taught(400);
    recorder.submit('a', later);
    expect(recorder.grant(later)).toEqual(['a (idle)']);
  });

  test('decides at the end of the turn about calls that arrive while another call of the user is unanswered', () => {
    const recorder = taught(400);
    recorder.submit('a', later);
    recorder.grant(later);
    recorder.submit('b', later + 1);
    recorder.submit('c', later + 1);
    expect(recorder.grant(later + 1)).toEqual([]);
    recorder.turn(later + 1);
    expect(recorder.grant(later + 1)).toEqual(['b c (idle)']);
  });

  test('holds a user twice in vain and then no more, until a companion arrives without a hold', () => {
    const recorder = taught(4);
    const alone = (atMs: number): boolean => {
      recorder.submit('a', atMs);
      recorder.turn(atMs);
      const left = recorder.grant(atMs).length > 0;
      recorder.core.wake(atMs + 15);
      recorder.grant(atMs + 15);
      for (const batch of recorder.batches.splice(0)) {
        recorder.core.settle(batch, { kind: 'relay', reply: aReply('') }, atMs + 40);
      }
      return left;
    };
    expect([0, 1, 2, 3].map((i) => alone(later + i * 100))).toEqual([false, false, true, true]);
    recorder.submit('b', later + 1000);
    recorder.submit('c', later + 1001);
    recorder.turn(later + 1001);
    recorder.core.wake(later + 1020);
    recorder.grant(later + 1020);
    for (const batch of recorder.batches.splice(0)) {
      recorder.core.settle(batch, { kind: 'relay', reply: aReply('') }, later + 1030);
    }
    expect(alone(later + 1100)).toBe(false);
  });

  test('keeps that of an idle user, if the pool has ever answered the user with 2xx', () => {
    const recorder = taught(4);
    recorder.submit('d', later);
    recorder.turn(later);
    recorder.core.wake(later + 15);
    recorder.grant(later + 15);
    recorder.core.settle(
      recorder.batches.splice(0)[0]!,
      { kind: 'relay', reply: aReply('') },
      later + 20,
    );
    recorder.core.wake(later + 10_021);
    expect(recorder.remembered.get('ann')).toMatchObject({ fruitlessHolds: 1 });
    expect(recorder.core.users).toMatchObject({ active: 0 });
    recorder.submit('e', later + 20_000, aKey('junk'));
    recorder.turn(later + 20_000);
    recorder.core.wake(later + 20_015);
    recorder.grant(later + 20_015);
    const refusal = { ...aReply('no'), status: 401 };
    recorder.core.settle(recorder.batches[0]!, { kind: 'relay', reply: refusal }, later + 20_020);
    recorder.core.wake(later + 40_000);
    expect(recorder.remembered.has('junk')).toBe(false);
  });
});
