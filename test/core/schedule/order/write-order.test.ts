import { describe, expect, test } from '@jest/globals';
import { aKey, aReply, app, Recorder } from '../../../support/recording-sink.ts';

describe('writes', () => {
  const note = { callClass: 'unsafe', target: `${app}/me/note` } as const;

  test('never share a batch with GETs', () => {
    const recorder = new Recorder();
    recorder.submit('get', 0);
    recorder.submit('put', 0, aKey('ann'), { callClass: 'unsafe' });
    recorder.turn(0);
    recorder.core.wake(10);
    expect(recorder.grant(10).sort()).toEqual(['get (linger)', 'put (linger)']);
  });

  test('to different resources share a batch', () => {
    const recorder = new Recorder();
    recorder.submit('a', 0, aKey('ann'), { callClass: 'unsafe' });
    recorder.submit('b', 0, aKey('ann'), { callClass: 'unsafe' });
    recorder.turn(0);
    recorder.core.wake(10);
    expect(recorder.grant(10)).toEqual(['a b (linger)']);
  });

  test('to one resource are sent one after the other, each when the one before is answered', () => {
    const recorder = new Recorder();
    recorder.submit('1', 0, aKey('ann'), note);
    recorder.submit('2', 0, aKey('ann', app, 'cookie'), { ...note, target: `${app}/Me/Note?x=1` });
    recorder.submit('3', 0, aKey('ann'), note);
    recorder.turn(0);
    recorder.core.wake(10);
    expect(recorder.grant(10)).toEqual(['1 (linger)']);
    recorder.core.part(recorder.batches[0]!, 0, aReply('1'), true, 20);
    recorder.core.wake(25);
    expect(recorder.grant(25)).toEqual([]);
    recorder.core.settle(recorder.batches[0]!, { kind: 'complete' }, 30);
    expect(recorder.grant(30)).toEqual(['2 (linger)']);
    recorder.core.settle(recorder.batches[1]!, { kind: 'relay', reply: aReply('2') }, 40);
    expect(recorder.grant(40)).toEqual(['3 (linger)']);
  });

  test('to one resource keep their order if the first is canceled after it was sent', () => {
    const recorder = new Recorder({ mode: 'off' });
    const first = recorder.submit('1', 0, aKey('ann'), note);
    recorder.submit('2', 0, aKey('ann'), note);
    expect(recorder.grant(0)).toEqual(['1 (idle)']);
    recorder.core.cancel(first, 5);
    expect(recorder.abandoned).toEqual([]);
    expect(recorder.grant(5)).toEqual([]);
    recorder.core.settle(recorder.batches[0]!, { kind: 'complete' }, 9);
    expect(recorder.grant(9)).toEqual(['2 (idle)']);
  });

  test('that are canceled before they are sent release the next write', () => {
    const recorder = new Recorder({ mode: 'off' });
    const first = recorder.submit('1', 0, aKey('ann'), note);
    recorder.submit('2', 0, aKey('ann', app, 'cookie'), note);
    recorder.permits.length = 0;
    recorder.core.cancel(first, 1);
    expect(recorder.grant(1)).toEqual(['2 (idle)']);
  });

  test('are sent at once before a GET of their resource, which is not held for them', () => {
    const recorder = new Recorder();
    recorder.submit('write', 0, aKey('ann'), note);
    recorder.submit('other', 0, aKey('ann'), { callClass: 'unsafe' });
    recorder.turn(0);
    recorder.submit('read', 1, aKey('ann'), { target: `${app}/me/NOTE?y` });
    expect(recorder.grant(1)).toEqual(['write other (barrier)']);
    recorder.turn(1);
    recorder.core.wake(11);
    expect(recorder.grant(11)).toEqual(['read (linger)']);
  });

  test('that must wait block the later GETs of their resource, and no other calls', () => {
    const recorder = new Recorder({ mode: 'off' });
    recorder.submit('1', 0, aKey('ann'), note);
    recorder.grant(0);
    recorder.submit('2', 1, aKey('ann'), note);
    recorder.submit('read', 2, aKey('ann'), { target: note.target });
    recorder.submit('else', 2);
    expect(recorder.grant(2)).toEqual(['else (idle)']);
    recorder.core.settle(recorder.batches[0]!, { kind: 'complete' }, 9);
    expect(recorder.grant(9).sort()).toEqual(['2 (idle)', 'read (idle)']);
  });

  test('are not aborted when all their callers have left', () => {
    const recorder = new Recorder({ mode: 'off' });
    const call = recorder.submit('a', 0, aKey('ann'), note);
    recorder.grant(0);
    recorder.core.cancel(call, 1);
    expect(recorder.abandoned).toEqual([]);
  });

  test('that pass through are sent after all held calls', () => {
    const recorder = new Recorder();
    recorder.submit('a', 0);
    recorder.submit('b', 0, aKey('bob'));
    recorder.turn(0);
    recorder.core.barrier('ann', 1);
    recorder.core.barrier('nobody', 1);
    expect(recorder.grant(1)).toEqual(['a (barrier)']);
  });
});

describe('operations', () => {
  const start = { callClass: 'operation' } as const;

  test('are sent at once and unbatched, without a slot for batches of their user', () => {
    const recorder = new Recorder();
    recorder.submit('held', 0);
    recorder.submit('a', 0, aKey('ann'), start);
    recorder.submit('b', 0, aKey('ann'), start);
    expect(recorder.permits.every(({ unbatched }) => unbatched)).toBe(true);
    expect(recorder.grant(0)).toEqual(['a (idle)', 'b (idle)']);
  });

  test('to one resource are sent right after the answer to the one before', () => {
    const recorder = new Recorder();
    const messages = { ...start, target: `${app}/messages` };
    recorder.submit('1', 0, aKey('ann'), messages);
    recorder.submit('2', 0, aKey('ann'), messages);
    expect(recorder.grant(0)).toEqual(['1 (idle)']);
    recorder.core.settle(recorder.batches[0]!, { kind: 'relay', reply: aReply('1') }, 50);
    expect(recorder.grant(50)).toEqual(['2 (idle)']);
  });
});
