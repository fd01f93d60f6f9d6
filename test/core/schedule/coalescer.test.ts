import { describe, expect, test } from '@jest/globals';
import { aKey, aReply, app, names, Recorder } from '../../support/recording-sink.ts';

describe('a submitted call', () => {
  test('is held until the window from the first arrival ends, and is sent with its companions', () => {
    const recorder = new Recorder();
    recorder.submit('a', 0);
    expect(recorder.alarmAtMs).toBe(0);
    recorder.alarmAtMs = Infinity;
    recorder.turn(0);
    expect(recorder.alarmAtMs).toBe(10);
    recorder.submit('b', 9);
    recorder.turn(9);
    recorder.core.wake(9.9);
    expect(recorder.permits).toHaveLength(0);
    recorder.core.wake(10);
    expect(recorder.grant(10)).toEqual(['a b (linger)']);
  });

  test('is sent at once if the batch is full', () => {
    const recorder = new Recorder();
    for (const name of ['a', 'b', 'c', 'd', 'e']) recorder.submit(name, 0);
    expect(recorder.grant(0)).toEqual(['a b c d e (parts)']);
  });

  test('is sent at once if the batch has reached its size in bytes', () => {
    const recorder = new Recorder();
    recorder.submit('a', 0, aKey('ann'), { sizeBytes: 600 });
    recorder.submit('b', 0, aKey('ann'), { sizeBytes: 400 });
    expect(recorder.grant(0)).toEqual(['a b (bytes)']);
  });

  test('stays in the queue if the batch would exceed its size in bytes', () => {
    const recorder = new Recorder();
    recorder.submit('a', 0, aKey('ann'), { sizeBytes: 600 });
    recorder.submit('b', 1, aKey('ann'), { sizeBytes: 500 });
    expect(recorder.grant(1)).toEqual(['a (bytes)']);
    recorder.turn(1);
    recorder.core.wake(11);
    expect(recorder.grant(11)).toEqual(['b (linger)']);
  });

  test('is sent in a request of its own, however large it is', () => {
    const recorder = new Recorder();
    recorder.submit('a', 0, aKey('ann'), { sizeBytes: 5000 });
    expect(recorder.grant(0)).toEqual(['a (bytes)']);
  });

  test('joins a batch that waits for a dispatch permit', () => {
    const recorder = new Recorder();
    recorder.submit('a', 0);
    recorder.core.wake(10);
    recorder.submit('b', 11);
    expect(recorder.grant(12)).toEqual(['a b (linger)']);
  });

  test('never shares a batch with another credential, application or cookie', () => {
    const recorder = new Recorder();
    recorder.submit('a', 0, aKey('ann'));
    recorder.submit('b', 0, aKey('bob'));
    recorder.submit('c', 0, aKey('ann', `${app}2`));
    recorder.submit('d', 0, aKey('ann', app, 'cookie'));
    recorder.submit('e', 0, aKey('ann'));
    recorder.core.wake(10);
    expect(recorder.grant(10).sort()).toEqual([
      'a e (linger)',
      'b (linger)',
      'c (linger)',
      'd (linger)',
    ]);
  });

  test('is sent unbatched and at once in mode off', () => {
    const recorder = new Recorder({ mode: 'off' });
    recorder.submit('a', 0);
    recorder.submit('b', 0);
    expect(recorder.grant(0)).toEqual(['a (idle)', 'b (idle)']);
  });

  test.each([
    ['queue_calls', { maxQueuedCalls: 1 }, 'bob'],
    ['queue_bytes', { maxQueuedBytes: 150 }, 'bob'],
    ['user_queue_calls', { maxQueuedCallsPerUser: 1 }, 'ann'],
    ['user_queue_bytes', { maxQueuedBytesPerUser: 150 }, 'ann'],
  ])(
    'is refused if it exceeds a cap, until a call has ended: %s',
    (reason, changes, credential) => {
      const recorder = new Recorder(changes);
      const first = recorder.submit('a', 0, aKey('ann'));
      expect(() => recorder.submit('b', 0, aKey(credential))).toThrow(reason);
      recorder.core.cancel(first, 0);
      recorder.submit('c', 0, aKey(credential));
      expect(recorder.core.heldCalls).toBe(1);
    },
  );
});

describe('a canceled call', () => {
  test('that is held is not sent, and other calls are not affected', () => {
    const recorder = new Recorder();
    const first = recorder.submit('a', 0);
    recorder.turn(0);
    recorder.submit('b', 5);
    recorder.core.cancel(first, 5);
    recorder.turn(5);
    recorder.core.wake(15);
    expect(recorder.grant(15)).toEqual(['b (linger)']);
  });

  test('without companions leaves no state, and a later permit finds no call', () => {
    const recorder = new Recorder();
    const call = recorder.submit('a', 0);
    recorder.core.wake(10);
    recorder.core.cancel(call, 0);
    expect(recorder.core.users.active).toBe(0);
    expect(recorder.core.dispatch(recorder.permits[0]!.user, false, 10)).toBe(false);
    recorder.core.wake(2000);
    expect(recorder.endings).toEqual([]);
  });

  test('that was sent keeps its position in the batch', () => {
    const recorder = sent('a', 'b', 'c');
    const batch = recorder.batches[0]!;
    recorder.core.cancel(batch.calls[0]!, 0);
    ['A', 'B', 'C'].forEach((text, i) => recorder.core.part(batch, i, aReply(text), false, 20));
    recorder.core.settle(batch, { kind: 'complete' }, 20);
    expect(recorder.endings).toEqual(['b: B', 'c: C']);
    expect(recorder.abandoned).toEqual([]);
  });

  test('lets the batch be aborted if it was the last one', () => {
    const recorder = sent('a', 'b');
    const batch = recorder.batches[0]!;
    recorder.core.part(batch, 0, aReply('A'), true, 20);
    recorder.core.wake(25);
    recorder.core.cancel(batch.calls[1]!, 26);
    expect(recorder.abandoned).toEqual([batch]);
    expect(recorder.core.outstandingCalls).toBe(2);
    recorder.core.settle(
      batch,
      {
        kind: 'failure',
        cause: 'broken_off',
        fault: { phase: 'unknown', name: 'connection_terminated' },
      },
      20,
    );
    expect(recorder.core.outstandingCalls).toBe(0);
    expect(recorder.endings).toEqual(['a: A']);
  });

  test('with a streaming answer aborts its request', () => {
    const recorder = sent('a');
    const batch = recorder.batches[0]!;
    recorder.core.begin(batch, 200, 20);
    recorder.core.cancel(batch.calls[0]!, 0);
    expect(recorder.abandoned).toEqual([batch]);
  });
});

describe('a deadline', () => {
  test('counts from the time at which the call was accepted, before the deadlines of earlier calls', () => {
    const recorder = new Recorder({ mode: 'fixed', lingerMaxMs: 10_000, timeoutMs: 1000 });
    recorder.submit('first', 500, aKey('ann'));
    // It waited for 700 ms before it was submitted.
    recorder.submit('waited', 900, aKey('bob'), { acceptedAtMs: 200 });
    recorder.submit('last', 950, aKey('cyd'));
    expect(recorder.alarmAtMs).toBeLessThanOrEqual(1200);
    recorder.core.wake(1200);
    expect(recorder.endings).toEqual(['waited: never-sent']);
    recorder.core.wake(1500);
    expect(recorder.endings).toEqual(['waited: never-sent', 'first: never-sent']);
  });

  test('of a held call answers that the call was never sent', () => {
    const recorder = new Recorder({ lingerMaxMs: 5000 });
    recorder.submit('a', 0);
    recorder.submit('b', 1);
    recorder.core.wake(1000);
    expect(recorder.endings).toEqual(['a: never-sent']);
    recorder.core.wake(1001);
    expect(recorder.endings).toEqual(['a: never-sent', 'b: never-sent']);
    expect(recorder.core.heldCalls).toBe(0);
  });

  test('of a sent call leaves the other calls of its batch waiting', () => {
    const recorder = new Recorder();
    recorder.submit('a', 0);
    recorder.submit('b', 5);
    recorder.core.wake(10);
    recorder.grant(10);
    recorder.core.wake(1000);
    expect(recorder.endings).toEqual(['a: late']);
    expect(recorder.abandoned).toEqual([]);
    recorder.core.wake(1005);
    expect(recorder.endings).toEqual(['a: late', 'b: late']);
    expect(recorder.abandoned).toHaveLength(1);
  });

  test('does not end an answer that streams', () => {
    const recorder = sent('a');
    recorder.core.begin(recorder.batches[0]!, 200, 20);
    recorder.core.wake(5000);
    recorder.core.settle(recorder.batches[0]!, { kind: 'complete' }, 20);
    expect(recorder.endings).toEqual([]);
  });

  test('has a timer as long as a call waits', () => {
    const recorder = sent('a');
    expect(recorder.alarmAtMs).toBeLessThanOrEqual(1000);
    recorder.alarmAtMs = Infinity;
    recorder.core.wake(500);
    expect(recorder.alarmAtMs).toBe(1000);
  });
});

describe('a shutdown', () => {
  test('sends held calls at once, and later calls without a hold', () => {
    const recorder = new Recorder();
    recorder.submit('a', 0);
    recorder.submit('b', 0, aKey('bob'));
    recorder.core.drain(1);
    expect(recorder.grant(1)).toEqual(['a (drain)', 'b (drain)']);
    recorder.submit('c', 2);
    expect(recorder.grant(2)).toEqual(['c (drain)']);
  });

  test('answers all calls that still wait at its end', () => {
    const recorder = sent('a');
    recorder.submit('b', 20);
    recorder.core.expireAll(50);
    expect(recorder.endings.sort()).toEqual(['a: late', 'b: never-sent']);
  });
});

test('calls beyond the largest batch are sent in the next batch', () => {
  const recorder = new Recorder();
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) recorder.submit(name, 0);
  recorder.core.dispatch(recorder.permits.shift()!.user, false, 10);
  expect(recorder.batches.map(names)).toEqual(['a b c d e (parts)']);
  expect(recorder.grant(10)).toEqual(['f g (parts)']);
});

test('of two streams, the one that has been ready for longer is sent first', () => {
  const recorder = new Recorder();
  recorder.submit('b', 0, aKey('ann', app, 'cookie'));
  recorder.turn(0);
  recorder.submit('a', 5);
  recorder.turn(5);
  recorder.core.wake(10);
  recorder.core.wake(15);
  expect(recorder.grant(15)).toEqual(['b (linger)', 'a (linger)']);
});

/** Submits these calls, and sends them in one batch. */
function sent(...tickets: string[]): Recorder {
  const recorder = new Recorder();
  for (const ticket of tickets) recorder.submit(ticket, 0);
  recorder.core.wake(10);
  recorder.grant(10);
  return recorder;
}
