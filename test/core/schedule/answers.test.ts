import { describe, expect, test } from '@jest/globals';
import { aReply, Recorder } from '../../support/recording-sink.ts';

describe('an answer', () => {
  test('is given to the caller at its position', () => {
    const recorder = sent('a', 'b');
    const [batch] = recorder.batches;
    recorder.core.part(batch!, 1, aReply('B'), false, 20);
    recorder.core.part(batch!, 0, aReply('A'), false, 20);
    recorder.core.settle(batch!, { kind: 'complete' }, 20);
    expect(recorder.endings).toEqual(['a: A', 'b: B']);
    expect(recorder.core.outstandingCalls).toBe(0);
    expect(recorder.core.users.active).toBe(0);
  });

  test('is given once', () => {
    const recorder = sent('a', 'b');
    const [batch] = recorder.batches;
    recorder.core.part(batch!, 0, aReply('A'), true, 20);
    recorder.core.wake(25);
    recorder.core.part(batch!, 0, aReply('again'), true, 26);
    recorder.core.settle(batch!, { kind: 'relay', reply: aReply('no') }, 30);
    expect(recorder.endings).toEqual(['a: A', 'b: no']);
  });

  test('is released early, 5 ms after its part came whole, if the rest takes longer', () => {
    const recorder = sent('a', 'b');
    const [batch] = recorder.batches;
    recorder.core.part(batch!, 0, aReply('A'), true, 20);
    expect(recorder.alarmAtMs).toBeLessThanOrEqual(25);
    recorder.core.wake(24.9);
    expect(recorder.endings).toEqual([]);
    recorder.core.wake(25);
    expect(recorder.endings).toEqual(['a: A']);
    recorder.core.part(batch!, 1, aReply('B'), true, 90);
    recorder.core.settle(batch!, { kind: 'complete' }, 90);
    expect(recorder.endings).toEqual(['a: A', 'b: B']);
  });

  test('is not released early if it may be wrong', () => {
    const recorder = sent('a', 'b');
    recorder.core.part(recorder.batches[0]!, 0, aReply('A'), false, 20);
    recorder.core.wake(500);
    expect(recorder.endings).toEqual([]);
  });

  test('with a wrong count reaches no caller that has no answer yet; their calls are retried, and later answers wait for the count', () => {
    const fault = { phase: 'unknown', name: 'http_protocol_error' } as const;
    const recorder = sent('a', 'b');
    const [first] = recorder.batches;
    recorder.core.part(first!, 0, aReply('A'), true, 20);
    recorder.core.wake(25);
    recorder.core.part(first!, 1, aReply('B'), true, 30);
    recorder.core.settle(first!, { kind: 'failure', cause: 'miscounted', fault }, 31);
    expect(recorder.endings).toEqual(['a: A']);
    expect(recorder.grant(31)).toEqual(['b (linger)']);
    recorder.core.settle(recorder.batches[1]!, { kind: 'relay', reply: aReply('B') }, 40);
    expect(recorder.endings).toEqual(['a: A', 'b: B']);

    recorder.submit('c', 100);
    recorder.turn(100);
    recorder.core.wake(110);
    recorder.grant(110);
    recorder.core.part(recorder.batches[2]!, 0, aReply('C'), true, 120);
    recorder.core.wake(500);
    expect(recorder.endings).toEqual(['a: A', 'b: B']);
    recorder.core.settle(recorder.batches[2]!, { kind: 'complete' }, 501);
    expect(recorder.endings.at(-1)).toBe('c: C');
  });

  test('that is meant for all calls goes to each caller', () => {
    const recorder = sent('a', 'b');
    recorder.core.settle(recorder.batches[0]!, { kind: 'relay', reply: aReply('401') }, 20);
    expect(recorder.endings).toEqual(['a: 401', 'b: 401']);
  });

  test('that ends early counts for the calls with a whole part; the others are retried', () => {
    const recorder = sent('a', 'b');
    recorder.core.part(recorder.batches[0]!, 0, aReply('A'), false, 20);
    recorder.core.settle(
      recorder.batches[0]!,
      {
        kind: 'failure',
        cause: 'broken_off',
        fault: { phase: 'unknown', name: 'connection_terminated' },
      },
      20,
    );
    expect(recorder.endings).toEqual(['a: A']);
    expect(recorder.grant(20)).toEqual(['b (linger)']);
  });

  test('without a part for a call ends this call with an error of the proxy', () => {
    const recorder = sent('a');
    recorder.core.settle(recorder.batches[0]!, { kind: 'complete' }, 20);
    expect(recorder.endings).toEqual(['a: proxy_internal_error']);
  });
});

/** Submits these calls, and sends them in one batch. */
function sent(...tickets: string[]): Recorder {
  const recorder = new Recorder();
  for (const ticket of tickets) recorder.submit(ticket, 0);
  recorder.core.wake(10);
  recorder.grant(10);
  return recorder;
}
