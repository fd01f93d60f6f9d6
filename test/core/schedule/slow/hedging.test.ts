import { describe, expect, test } from '@jest/globals';
import { handlingOf } from '../../../../src/core/schedule/answers/handling.ts';
import type { FailureCause, FaultPhase } from '../../../../src/core/messages/fault.ts';
import type { Reply } from '../../../../src/core/messages/reply.ts';
import { aKey, aReply, Recorder } from '../../../support/recording-sink.ts';
import type { Ending } from '../../../../src/core/answer/ending.ts';

function failure(what: FailureCause, phase: FaultPhase, reply?: Reply): Ending {
  const fault = { phase, name: 'http_protocol_error' } as const;
  return { kind: 'failure', cause: what, fault, ...(reply === undefined ? {} : { reply }) };
}

const answer = (text: string): Ending => ({ kind: 'relay', reply: aReply(text) });

describe('a late batch', () => {
  /** A pool that usually answers `a` and `b` after 30 ms. */
  function usual(callClass: 'safe' | 'unsafe' = 'safe'): Recorder {
    const recorder = new Recorder({ timeoutMs: 30_000 });
    for (let i = 0; i < 5; i += 1) {
      pair(recorder, i * 1000, callClass);
      recorder.core.settle(recorder.batches.pop()!, answer('x'), i * 1000 + 40);
    }
    recorder.endings.length = 0;
    return recorder;
  }

  function pair(recorder: Recorder, nowMs: number, callClass: 'safe' | 'unsafe'): void {
    for (const ticket of ['a', 'b']) recorder.submit(ticket, nowMs, aKey('ann'), { callClass });
    recorder.core.wake(nowMs + 10);
    recorder.grant(nowMs + 10);
  }

  const sentAtMs = 10_010;

  /** Returns the recorder after a batch of two calls has waited for this time. */
  function late(afterMs: number, callClass: 'safe' | 'unsafe' = 'safe'): Recorder {
    const recorder = usual(callClass);
    pair(recorder, sentAtMs - 10, callClass);
    recorder.core.wake(sentAtMs + 50);
    recorder.core.wake(sentAtMs + afterMs);
    return recorder;
  }

  test('has its GETs sent again beside it after three times the usual latency', () => {
    const early = late(89);
    expect(early.grant(sentAtMs + 89)).toEqual([]);
    const recorder = late(90);
    expect(recorder.grant(sentAtMs + 90)).toEqual(['a (idle)', 'b (idle)']);
    expect(recorder.noted).toEqual(['late batch']);
  });

  /** Returns the fewest parts of batches that were late in a row. A call of another user was sent later. */
  function fewestParts(comesBack: 'before' | 'after'): number {
    const recorder = usual();
    const send = (atMs: number): void => {
      for (const ticket of 'abcdefgh') recorder.submit(ticket, atMs, aKey('ann'));
      recorder.core.wake(atMs + 10);
      recorder.grant(atMs + 10);
    };
    let fewest = Infinity;
    let atMs = sentAtMs;
    for (let n = 0; n < 20; n += 1, atMs += 1000) {
      recorder.batches.length = 0;
      send(atMs);
      recorder.core.wake(atMs + 200);
      const late = [...recorder.batches];
      fewest = Math.min(fewest, late[0]!.calls.length);
      recorder.submit('other', atMs + 200, aKey('bob'));
      recorder.core.wake(atMs + 210);
      recorder.grant(atMs + 210);
      const later = recorder.batches.slice(late.length);
      const order = comesBack === 'before' ? [...later, ...late] : [...late, ...later];
      for (const batch of order) recorder.core.settle(batch, answer('x'), atMs + 400);
    }
    return fewest;
  }

  test('makes later batches smaller only if the pool answered later requests earlier', () => {
    expect(fewestParts('before')).toBe(2);
    // If the pool or this machine is slow for all calls, smaller batches are only more work.
    expect(fewestParts('after')).toBe(5);
  });

  test('is answered by the first answer; the other request is aborted', () => {
    const recorder = late(90);
    recorder.grant(sentAtMs + 90);
    const [batch, a, b] = recorder.batches;
    recorder.core.settle(a!, answer('A'), sentAtMs + 120);
    expect(recorder.endings).toEqual(['a: A']);
    recorder.core.part(batch!, 0, aReply('late A'), false, sentAtMs + 130);
    recorder.core.part(batch!, 1, aReply('B'), false, sentAtMs + 130);
    recorder.core.settle(batch!, { kind: 'complete' }, sentAtMs + 130);
    expect(recorder.endings).toEqual(['a: A', 'b: B']);
    expect(recorder.abandoned).toEqual([b]);
    expect(recorder.noted).toEqual(['late batch', 'repeat late answered', 'repeat late needless']);
  });

  test('is aborted when all its calls are answered', () => {
    const recorder = late(90);
    recorder.grant(sentAtMs + 90);
    const [batch, a, b] = recorder.batches;
    recorder.core.settle(a!, answer('A'), sentAtMs + 120);
    recorder.core.settle(b!, answer('B'), sentAtMs + 121);
    expect(recorder.endings).toEqual(['a: A', 'b: B']);
    expect(recorder.abandoned).toEqual([batch]);
  });

  test('is named by a call only if it brought the answer', () => {
    const recorder = late(90);
    recorder.grant(sentAtMs + 90);
    const [batch, a] = recorder.batches;
    const [callOfA, callOfB] = batch!.calls;
    recorder.core.settle(a!, answer('A'), sentAtMs + 120);
    for (const index of [0, 1])
      recorder.core.part(batch!, index, aReply('x'), false, sentAtMs + 125);
    recorder.core.settle(batch!, { kind: 'complete' }, sentAtMs + 130);
    expect(recorder.endings).toEqual(['a: A', 'b: x']);
    expect(handlingOf(callOfA!)).toMatchObject({
      ...{ batchId: a!.id, parts: 1, position: 0, attempts: 2, retry: 'late', lateMs: 90 },
    });
    expect(handlingOf(callOfB!)).toMatchObject({
      ...{ batchId: batch!.id, parts: 2, position: 1, attempts: 2, lateMs: 0 },
      retry: undefined,
    });
  });

  test('is not named by a call that gets the failed answer of its hedged request', () => {
    const recorder = late(90);
    recorder.grant(sentAtMs + 90);
    const [batch, a] = recorder.batches;
    const failed = { ...aReply('A'), status: 500 };
    recorder.core.settle(batch!, failure('broken_off', 'unknown'), sentAtMs + 100);
    recorder.core.settle(a!, { kind: 'relay', reply: failed }, sentAtMs + 110);
    expect(recorder.endings).toEqual(['a: A']);
    expect(handlingOf(batch!.calls[0]!)).toMatchObject({ batchId: a!.id, retry: 'late' });
  });

  test('that fails leaves its callers to the hedged requests, and the other way round', () => {
    const recorder = late(90);
    recorder.grant(sentAtMs + 90);
    const [batch, a, b] = recorder.batches;
    recorder.core.settle(b!, failure('connection', 'unknown'), sentAtMs + 100);
    recorder.core.settle(batch!, failure('broken_off', 'unknown'), sentAtMs + 110);
    expect(recorder.endings).toEqual(['b: http_protocol_error']);
    recorder.core.settle(a!, answer('A'), sentAtMs + 120);
    expect(recorder.endings).toEqual(['b: http_protocol_error', 'a: A']);
  });

  test('that is refused is put back when the hedged request is refused too', () => {
    const recorder = late(90);
    recorder.grant(sentAtMs + 90);
    const [batch, a, b] = recorder.batches;
    const refused = { ...failure('refused', 'unsent', aReply('429')), retryAfterMs: 100 };
    recorder.core.settle(batch!, refused, sentAtMs + 110);
    recorder.core.settle(a!, refused, sentAtMs + 120);
    recorder.core.settle(b!, refused, sentAtMs + 120);
    expect(recorder.endings).toEqual([]);
    expect(recorder.core.heldCalls).toBe(2);
    recorder.core.wake(sentAtMs + 300);
    expect(recorder.grant(sentAtMs + 300)).toHaveLength(1);
  });

  test('is not judged by quick refusals of a bad credential', () => {
    const recorder = usual();
    for (let i = 0; i < 20; i += 1) {
      recorder.submit('a', 9000 + i, aKey('junk'));
      recorder.core.wake(9000 + i + 10);
      recorder.grant(9000 + i + 10);
      const no = { ...aReply('401'), status: 401 };
      recorder.core.settle(recorder.batches.pop()!, { kind: 'relay', reply: no }, 9000 + i + 11);
    }
    pair(recorder, sentAtMs - 10, 'safe');
    recorder.core.wake(sentAtMs + 50);
    recorder.core.wake(sentAtMs + 89);
    expect(recorder.grant(sentAtMs + 89)).toEqual([]);
  });

  test('that fails in a shutdown does not wait for a hedged request that was not sent', () => {
    const recorder = late(90);
    const [batch] = recorder.batches;
    const wait = { ...failure('server_error', 'unknown', aReply('503')), retryAfterMs: 5000 };
    recorder.submit('c', sentAtMs + 91);
    recorder.core.wake(sentAtMs + 101);
    recorder.core.settle(batch!, wait, sentAtMs + 110);
    recorder.core.drain(sentAtMs + 111);
    recorder.core.expireAll(sentAtMs + 30_000);
    expect(recorder.endings.toSorted()).toEqual(['a: 503', 'b: 503', 'c: never-sent']);
    expect(recorder.core.heldCalls).toBe(0);
  });

  test('of writes waits: writes cannot be sent again', () => {
    const recorder = late(20_000, 'unsafe');
    expect(recorder.grant(sentAtMs + 20_000)).toEqual([]);
  });

  test('of unknown routes is late after half of the remaining time of its callers', () => {
    const recorder = new Recorder({ timeoutMs: 30_000 });
    pair(recorder, 0, 'safe');
    recorder.core.wake(14_000);
    expect(recorder.grant(14_000)).toEqual([]);
    recorder.core.wake(15_005);
    expect(recorder.grant(15_005)).toEqual(['a (idle)', 'b (idle)']);
  });

  test('without callers cancels its hedged requests', () => {
    const recorder = new Recorder({ timeoutMs: 1000 });
    const calls = ['a', 'b'].map((ticket) => recorder.submit(ticket, 0));
    recorder.core.wake(10);
    recorder.grant(10);
    recorder.core.wake(505);
    recorder.grant(505);
    for (const call of calls) recorder.core.cancel(call, 510);
    expect(recorder.abandoned).toHaveLength(3);
    expect(recorder.core.heldCalls).toBe(0);
  });
});
