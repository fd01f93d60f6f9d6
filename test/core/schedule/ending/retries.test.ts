import { describe, expect, test } from '@jest/globals';
import { takeRepetitions } from '../../../../src/core/schedule/ending/retries.ts';
import type { FailureCause, FaultPhase } from '../../../../src/core/messages/fault.ts';
import type { Reply } from '../../../../src/core/messages/reply.ts';
import { aKey, aReply, app, Recorder } from '../../../support/recording-sink.ts';
import type { Ending } from '../../../../src/core/answer/ending.ts';

function failure(what: FailureCause, phase: FaultPhase, reply?: Reply): Ending {
  const fault = { phase, name: 'http_protocol_error' } as const;
  return { kind: 'failure', cause: what, fault, ...(reply === undefined ? {} : { reply }) };
}

/** Submits two calls of the class, and sends them in one batch at 10 ms. */
function sent(callClass: 'safe' | 'unsafe', changes = {}): Recorder {
  const recorder = new Recorder({ timeoutMs: 30_000, ...changes });
  for (const ticket of ['a', 'b']) recorder.submit(ticket, 0, aKey('ann'), { callClass });
  recorder.core.wake(10);
  recorder.grant(10);
  return recorder;
}

const answer = (text: string): Ending => ({ kind: 'relay', reply: aReply(text) });

describe('GETs of a batch that moved to another server', () => {
  test('are not sent a third time, neither after a failure nor beside a late batch', () => {
    const recorder = sent('safe', { timeoutMs: 1000 });
    const [batch] = recorder.batches;
    expect(takeRepetitions(batch!)).toBe(true);
    expect(takeRepetitions(batch!)).toBe(false);
    recorder.core.wake(510);
    expect(recorder.grant(510)).toEqual([]);
    recorder.core.settle(batch!, failure('connection', 'unknown'), 520);
    expect(recorder.grant(520)).toEqual([]);
    expect(recorder.endings).toEqual(['a: http_protocol_error', 'b: http_protocol_error']);
  });

  test('cannot have moved after a hedged request, and the hedged request cannot move', () => {
    const recorder = sent('safe', { timeoutMs: 1000 });
    recorder.core.wake(510);
    expect(recorder.grant(510)).toEqual(['a (idle)', 'b (idle)']);
    expect(recorder.batches.map(takeRepetitions)).toEqual([false, false, false]);
  });

  test('cannot move again in their retry', () => {
    const recorder = sent('safe');
    recorder.core.settle(recorder.batches[0]!, failure('connection', 'unknown'), 20);
    recorder.grant(20);
    expect(recorder.batches.slice(1).map(takeRepetitions)).toEqual([false, false]);
  });
});

describe('GETs of a failed batch', () => {
  test('are retried once, unbatched', () => {
    const recorder = sent('safe');
    recorder.core.settle(recorder.batches[0]!, failure('not_understood', 'unknown'), 20);
    expect(recorder.grant(20)).toEqual(['a (linger)', 'b (idle)']);
    recorder.core.settle(recorder.batches[1]!, answer('A'), 30);
    recorder.core.settle(recorder.batches[2]!, failure('connection', 'unknown'), 30);
    expect(recorder.endings).toEqual(['a: A', 'b: http_protocol_error']);
    expect(recorder.noted).toEqual(['repeat answer answered', 'repeat answer failed']);
  });

  test('get the answer of the pool, if there is one, when the retry budget is spent', () => {
    const recorder = new Recorder({ timeoutMs: 30_000, maxParts: 1 });
    for (let i = 0; i < 130; i += 1) {
      recorder.submit(`x${i}`, i, aKey('ann'));
      recorder.core.wake(i);
      recorder.grant(i);
      const batch = recorder.batches.pop()!;
      recorder.core.settle(batch, failure('server_error', 'unknown', aReply('500')), i);
      recorder.grant(i);
      const again = recorder.batches.pop();
      if (again !== undefined) recorder.core.settle(again, answer('again'), i);
    }
    const relayed = recorder.endings.filter((ending) => ending.endsWith(': 500')).length;
    // 100 at the beginning, a fifth for each call, and one for the elapsed time.
    expect(relayed).toBeGreaterThan(0);
    expect(relayed).toBeLessThanOrEqual(130 - 100 - 25);
    expect(recorder.noted.filter((note) => note.endsWith('denied'))).toHaveLength(relayed);
  });

  test('are retried in the order in which they arrived, and count as held until then', () => {
    const recorder = new Recorder({ timeoutMs: 30_000, mode: 'off' });
    for (const ticket of ['a', 'b', 'c']) recorder.submit(ticket, 0);
    recorder.grant(0);
    for (const index of [1, 2, 0])
      recorder.core.settle(recorder.batches[index]!, failure('connection', 'unknown'), 10);
    expect(recorder.core.heldCalls).toBe(3);
    expect(recorder.grant(10)).toEqual(['a (idle)', 'b (idle)', 'c (idle)']);
    expect(recorder.core.heldCalls).toBe(0);
  });

  test('are retried after the time that a 503 asks for', () => {
    const recorder = sent('safe');
    const ending = { ...failure('server_error', 'unknown', aReply('503')), retryAfterMs: 700 };
    recorder.core.settle(recorder.batches[0]!, ending, 20);
    expect(recorder.grant(20)).toEqual([]);
    recorder.core.wake(720);
    expect(recorder.grant(720)).toEqual(['a (linger)', 'b (linger)']);
  });
});

test('callers that leave use no retries of the others', () => {
  const recorder = new Recorder({ timeoutMs: 30_000, mode: 'off' });
  for (let i = 0; i < 300; i += 1) {
    const call = recorder.submit(`x${i}`, i, aKey(`gone${i % 10}`));
    recorder.grant(i);
    recorder.core.cancel(call, i);
    recorder.core.settle(recorder.batches.pop()!, failure('connection', 'unknown'), i);
  }
  recorder.submit('stays', 300);
  recorder.grant(300);
  recorder.core.settle(recorder.batches.pop()!, failure('connection', 'unknown'), 310);
  expect(recorder.grant(310)).toEqual(['stays (idle)']);
  expect(recorder.noted).toEqual([]);
});

describe('writes of a failed batch', () => {
  test('are not sent again if they may have run', () => {
    const recorder = sent('unsafe');
    recorder.core.settle(recorder.batches[0]!, failure('broken_off', 'unknown'), 20);
    expect(recorder.grant(20)).toEqual([]);
    expect(recorder.endings).toEqual(['a: http_protocol_error', 'b: http_protocol_error']);
  });

  test('get the error answer of the pool', () => {
    const recorder = sent('unsafe');
    recorder.core.settle(
      recorder.batches[0]!,
      failure('server_error', 'unknown', aReply('500')),
      20,
    );
    expect(recorder.endings).toEqual(['a: 500', 'b: 500']);
  });

  test('are sent again if nothing was sent before', () => {
    const recorder = sent('unsafe');
    recorder.core.settle(recorder.batches[0]!, failure('connection', 'unsent'), 20);
    expect(recorder.grant(20)).toEqual(['a (linger)', 'b (idle)']);
  });
});

describe('a pool without a batch resource', () => {
  test('gets all calls unbatched for a minute, after it has answered the user with 2xx', () => {
    const recorder = sent('unsafe');
    recorder.core.settle(recorder.batches[0]!, failure('no_batch', 'unsent'), 20);
    expect(recorder.grant(20)).toEqual(['a (linger)', 'b (idle)']);
    recorder.core.settle(recorder.batches[1]!, answer('A'), 25);
    for (const atMs of [30, 59_000]) {
      recorder.submit('c', atMs, aKey('bob'));
      recorder.submit('d', atMs, aKey('bob'));
      expect(recorder.grant(atMs)).toEqual(['c (idle)', 'd (idle)']);
    }
    recorder.submit('e', 60_021, aKey('bob'));
    expect(recorder.grant(60_021)).toEqual([]);
  });

  test('gets only the calls of this user unbatched, if it has answered batches before', () => {
    const recorder = sent('safe');
    for (const index of [0, 1])
      recorder.core.part(recorder.batches[0]!, index, aReply('x'), false, 20);
    recorder.core.settle(recorder.batches[0]!, { kind: 'complete' }, 20);
    for (const ticket of ['c', 'd']) recorder.submit(ticket, 100, aKey('evil'));
    recorder.core.wake(110);
    recorder.grant(110);
    recorder.core.settle(recorder.batches[1]!, failure('no_batch', 'unsent'), 120);
    recorder.grant(120);
    recorder.submit('e', 130, aKey('evil'));
    expect(recorder.grant(130)).toEqual(['e (idle)']);
    recorder.submit('f', 130, aKey('ann'));
    expect(recorder.grant(130)).toEqual([]);
  });
});

test('a bad credential cannot turn batching off for others', () => {
  const recorder = sent('safe');
  recorder.core.settle(recorder.batches[0]!, failure('no_batch', 'unsent'), 20);
  recorder.submit('c', 30, aKey('bob'));
  expect(recorder.grant(30)).not.toContain('c (idle)');
});

describe('a batch that is too large for the pool', () => {
  test('gives its caller the answer of the pool if it has one call', () => {
    const recorder = new Recorder();
    recorder.submit('a', 0, aKey('ann'), { callClass: 'unsafe' });
    recorder.core.wake(10);
    recorder.grant(10);
    const ending = failure('request_too_large', 'unsent', aReply('413'));
    recorder.core.settle(recorder.batches[0]!, ending, 20);
    expect(recorder.endings).toEqual(['a: 413']);
    expect(recorder.core.heldCalls).toBe(0);
  });

  test('is sent again in halves, without a backoff', () => {
    const recorder = sent('unsafe', { maxParts: 2 });
    recorder.core.settle(recorder.batches[0]!, failure('request_too_large', 'unsent'), 20);
    expect(recorder.grant(20)).toEqual(['a (parts)']);
    recorder.turn(20);
    expect(recorder.grant(20)).toEqual(['b (linger)']);
    expect(recorder.noted).toContain('requeued 1 (too_large)');
  });
});

describe('a route with an answer that made a batch too large', () => {
  test('is not batched for an hour; other routes are', () => {
    const recorder = sent('safe');
    recorder.core.part(recorder.batches[0]!, 0, aReply('A'), false, 15);
    recorder.core.settle(recorder.batches[0]!, failure('answer_too_large', 'unknown'), 20);
    expect(recorder.endings).toEqual(['a: A']);
    expect(recorder.grant(20)).toEqual(['b (linger)']);
    recorder.submit('again', 100, aKey('bob'), { target: `${app}/b?x=1` });
    expect(recorder.grant(100)).toEqual(['again (idle)']);
    recorder.submit('note', 100, aKey('bob'), { target: `${app}/me/note` });
    expect(recorder.grant(100)).toEqual([]);
  });
});
