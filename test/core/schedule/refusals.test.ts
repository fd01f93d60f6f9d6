import { describe, expect, test } from '@jest/globals';
import type { Batch } from '../../../src/core/schedule/state.ts';
import { aKey, aReply, app, Recorder } from '../../support/recording-sink.ts';
import type { Ending } from '../../../src/core/answer/ending.ts';

const refused: Ending = {
  kind: 'failure',
  cause: 'refused',
  fault: { phase: 'unsent', name: 'destination_unavailable' },
  reply: { ...aReply('too many'), status: 429 },
};

/** Submits these calls, and sends them in one batch at 10 ms. */
function sent(...tickets: string[]): Recorder {
  const recorder = new Recorder({ maxParts: 20, maxBytes: 10_000 });
  for (const ticket of tickets) recorder.submit(ticket, 0);
  recorder.core.wake(10);
  recorder.grant(10);
  return recorder;
}

function accept(recorder: Recorder, batch: Batch<string>, nowMs: number): void {
  recorder.core.settle(batch, { kind: 'relay', reply: aReply('ok') }, nowMs);
}

const letters = (count: number): string[] => Array.from({ length: count }, (_, i) => `c${i}`);

describe('a refused batch', () => {
  test('is put back, waits for a backoff, and is sent again in order in smaller batches, unseen by its callers', () => {
    const recorder = sent(...letters(20));
    recorder.core.settle(recorder.batches[0]!, refused, 12);
    expect(recorder.endings).toEqual([]);
    expect(recorder.core.heldCalls).toBe(20);
    expect(recorder.grant(12)).toEqual([]);

    // 20 to 60 ms, with half of the jitter: 40.
    recorder.core.wake(51);
    expect(recorder.grant(51)).toEqual([]);
    recorder.core.wake(52);
    expect(recorder.grant(52)).toEqual(['c0 c1 c2 c3 c4 c5 c6 (parts)']);
    recorder.core.wake(93);
    accept(recorder, recorder.batches[1]!, 94);
    expect(recorder.grant(94)).toEqual([
      'c7 c8 c9 c10 c11 c12 c13 (parts)',
      'c14 c15 c16 c17 c18 c19 (parts)',
    ]);
    for (const batch of recorder.batches.slice(2)) accept(recorder, batch, 130);
    expect(recorder.endings).toHaveLength(20);
    expect(recorder.noted).toEqual([
      'limit 19',
      ...Array<string>(20).fill('requeued 1 (refused)'),
      'split 1: 7 7 6',
    ]);
  });

  test('of one call counts as no split', () => {
    const recorder = sent('a');
    recorder.core.settle(recorder.batches[0]!, refused, 12);
    recorder.core.wake(60);
    expect(recorder.grant(60)).toEqual(['a (linger)']);
    expect(recorder.noted.filter((note) => note.startsWith('split'))).toEqual([]);
  });

  test('counts one split of depth 1, though one of its calls is refused again alone', () => {
    const recorder = sent('a', 'b', 'c', 'd');
    recorder.core.settle(recorder.batches[0]!, refused, 12);
    recorder.core.wake(60);
    expect(recorder.grant(60)).toEqual(['a (linger)']);
    recorder.core.settle(recorder.batches[1]!, refused, 62);
    for (let nowMs = 200; nowMs < 1000; nowMs += 10) {
      recorder.core.wake(nowMs);
      recorder.grant(nowMs);
      for (const batch of recorder.batches.slice(2)) {
        if (!batch.settled) accept(recorder, batch, nowMs + 5);
      }
    }
    expect(recorder.endings).toHaveLength(4);
    expect(recorder.noted).toContain('split 1: 1 1 1 1');
  });

  test('of POSTs is put back too: none of them ran', () => {
    const recorder = new Recorder();
    recorder.submit('a', 0, aKey('ann'), { callClass: 'unsafe' });
    recorder.submit('b', 0, aKey('ann'), { callClass: 'unsafe' });
    recorder.core.wake(10);
    expect(recorder.grant(10)).toEqual(['a b (linger)']);
    recorder.core.settle(recorder.batches[0]!, refused, 12);
    recorder.core.wake(60);
    expect(recorder.grant(60)).toEqual(['a (linger)']);
    accept(recorder, recorder.batches[1]!, 70);
    expect(recorder.grant(70)).toEqual(['b (linger)']);
  });

  test('keeps a GET behind a write to its resource that was put back', () => {
    const recorder = new Recorder();
    recorder.submit('w', 0, aKey('ann'), { callClass: 'unsafe', target: `${app}/me` });
    recorder.core.wake(10);
    recorder.grant(10);
    recorder.submit('g', 11, aKey('ann'), { target: `${app}/me` });
    recorder.core.settle(recorder.batches[0]!, refused, 12);
    recorder.core.wake(100);
    expect(recorder.grant(100)).toEqual(['w (linger)']);
    accept(recorder, recorder.batches[1]!, 130);
    expect(recorder.grant(130)).toEqual(['g (linger)']);
  });

  test('keeps a GET behind a refused write if the caller of a later write leaves', () => {
    const recorder = new Recorder({ mode: 'off' });
    const write = { callClass: 'unsafe', target: `${app}/me` } as const;
    recorder.submit('w1', 0, aKey('ann'), write);
    expect(recorder.grant(0)).toEqual(['w1 (idle)']);
    const second = recorder.submit('w2', 1, aKey('ann'), write);
    recorder.submit('g', 2, aKey('ann'), { target: `${app}/me` });
    recorder.core.settle(recorder.batches[0]!, refused, 12);
    recorder.core.cancel(second, 20);
    recorder.core.wake(100);
    expect(recorder.grant(100)).toEqual(['w1 (idle)']);
  });

  test('does not include calls that were canceled in the meantime', () => {
    const recorder = new Recorder();
    recorder.submit('a', 0);
    const b = recorder.submit('b', 0);
    recorder.core.wake(10);
    recorder.grant(10);
    recorder.core.cancel(b, 11);
    recorder.core.settle(recorder.batches[0]!, refused, 12);
    recorder.core.wake(60);
    expect(recorder.grant(60)).toEqual(['a (linger)']);
    accept(recorder, recorder.batches[1]!, 70);
    expect(recorder.core.heldCalls).toBe(0);
    expect(recorder.endings).toEqual(['a: ok']);
  });

  test('ends all calls of its user with a deadline before the end of the backoff', () => {
    const recorder = sent('a', 'b');
    recorder.submit('c', 11);
    recorder.core.settle(recorder.batches[0]!, { ...refused, retryAfterMs: 2000 }, 12);
    expect(recorder.endings).toEqual(['a: too many', 'b: too many', 'c: never-sent']);
  });

  test('is answered with the 429 of the pool at the deadline of its calls', () => {
    const recorder = sent('a', 'b');
    recorder.core.settle(recorder.batches[0]!, refused, 12);
    recorder.core.wake(1000);
    expect(recorder.endings).toEqual(['a: too many', 'b: too many']);
  });

  test('is answered at once if the pool asks for a backoff that outlasts its calls', () => {
    const recorder = sent('a', 'b');
    recorder.core.settle(recorder.batches[0]!, { ...refused, retryAfterMs: 2000 }, 12);
    expect(recorder.endings).toEqual(['a: too many', 'b: too many']);
    expect(recorder.core.heldCalls).toBe(0);
  });

  test('is answered with 503, did not run, if the shutdown finds it in a backoff', () => {
    const recorder = sent('a', 'b');
    recorder.core.settle(recorder.batches[0]!, refused, 12);
    recorder.core.drain(20);
    expect(recorder.endings).toEqual(['a: never-sent', 'b: never-sent']);
    expect(recorder.core.heldCalls).toBe(0);
  });

  test('is answered at once during a shutdown', () => {
    const recorder = sent('a', 'b');
    recorder.core.drain(11);
    recorder.core.settle(recorder.batches[0]!, refused, 12);
    expect(recorder.endings).toEqual(['a: never-sent', 'b: never-sent']);
  });
});
