import { describe, expect, test } from '@jest/globals';
import { aKey, aReply, app, Recorder } from '../../../support/recording-sink.ts';

describe('identical GETs in the queue of one user', () => {
  const same = { target: `${app}/me` };

  test('do not share a part with a call that is in the queue again after a failure', () => {
    const recorder = new Recorder({ mode: 'off' });
    recorder.submit('a', 0, aKey('ann'), same);
    recorder.grant(0);
    const fault = { phase: 'unknown', name: 'connection_terminated' } as const;
    recorder.core.settle(recorder.batches[0]!, { kind: 'failure', cause: 'connection', fault }, 5);
    recorder.submit('b', 6, aKey('ann'), same);
    expect(recorder.grant(6)).toEqual(['a (idle)', 'b (idle)']);
  });

  test('share a part, and each caller gets its answer even if the batch breaks off after that part', () => {
    const recorder = new Recorder();
    recorder.submit('a', 0, aKey('ann'), same);
    recorder.submit('b', 1, aKey('ann'), { ...same, headers: ['Client-Request-Id', '2'] });
    recorder.submit('c', 1, aKey('ann'), { ...same, headers: ['Accept', 'text/xml'] });
    recorder.turn(1);
    recorder.core.wake(11);
    expect(recorder.grant(11)).toEqual(['a c (linger)']);
    expect(recorder.core.outstandingCalls).toBe(2);
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
    expect(recorder.endings).toEqual(['a: A', 'b: A']);
    expect(recorder.grant(20)).toEqual(['c (linger)']);
  });

  test('get their answer even if the first of them is canceled, before or after it was sent', () => {
    const recorder = new Recorder();
    const a = recorder.submit('a', 0, aKey('ann'), same);
    const b = recorder.submit('b', 0, aKey('ann'), same);
    recorder.submit('c', 0, aKey('ann'), same);
    recorder.turn(0);
    recorder.core.cancel(a, 1);
    recorder.core.wake(10);
    expect(recorder.grant(10)).toEqual(['b (linger)']);
    recorder.core.cancel(b, 11);
    expect(recorder.abandoned).toEqual([]);
    recorder.core.settle(recorder.batches[0]!, { kind: 'relay', reply: aReply('C') }, 12);
    expect(recorder.endings).toEqual(['c: C']);
  });

  test('share no part if a write to the same path came between them, or if the first was already sent', () => {
    const recorder = new Recorder();
    recorder.submit('a', 0, aKey('ann'), same);
    recorder.submit('w', 1, aKey('ann'), { callClass: 'unsafe', target: `${app}/ME` });
    recorder.submit('b', 2, aKey('ann'), same);
    recorder.turn(2);
    recorder.core.wake(12);
    expect(recorder.grant(12).sort()).toEqual(['a b (linger)', 'w (barrier)']);
    recorder.submit('c', 13, aKey('ann'), same);
    recorder.turn(13);
    recorder.core.wake(23);
    expect(recorder.grant(23)).toEqual(['c (linger)']);
  });

  test('do not share a part if collapsing is off', () => {
    const recorder = new Recorder({ collapse: false });
    recorder.submit('a', 0, aKey('ann'), same);
    recorder.submit('b', 0, aKey('ann'), same);
    recorder.turn(0);
    recorder.core.wake(10);
    expect(recorder.grant(10)).toEqual(['a b (linger)']);
  });
});

test('when a caller leaves and an identical call takes its place, the hold does not become longer', () => {
  const recorder = new Recorder();
  const first = recorder.submit('a', 0, aKey('ann'), { target: `${app}/me` });
  recorder.submit('b', 0);
  recorder.turn(0);
  recorder.submit('c', 2, aKey('ann'), { target: `${app}/me` });
  recorder.core.cancel(first, 8);
  recorder.core.wake(10);
  expect(recorder.grant(10)).toEqual(['c b (linger)']);
});
