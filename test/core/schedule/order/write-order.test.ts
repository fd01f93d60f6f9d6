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

  test('of different resources travel together', () => {
    const recorder = new Recorder();
    recorder.submit('a', 0, aKey('ann'), { callClass: 'unsafe' });
    recorder.submit('b', 0, aKey('ann'), { callClass: 'unsafe' });
    recorder.turn(0);
    recorder.core.wake(10);
    expect(recorder.grant(10)).toEqual(['a b (linger)']);
  });

  test('of one resource leave one behind the other, each when the one before is answered', () => {
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

  test('keep their order also when the first was given up by its caller, while it travels', () => {
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

  test('let the next one go when they leave before they are sent', () => {
    const recorder = new Recorder({ mode: 'off' });
    const first = recorder.submit('1', 0, aKey('ann'), note);
    recorder.submit('2', 0, aKey('ann', app, 'cookie'), note);
    recorder.permits.length = 0;
    recorder.core.cancel(first, 1);
    expect(recorder.grant(1)).toEqual(['2 (idle)']);
  });

  test('leave at once before a GET of their resource, which pays no hold of theirs', () => {
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

  test('that wait themselves keep back the GETs behind them, and nobody else', () => {
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

  test('are not broken off when all their callers have left', () => {
    const recorder = new Recorder({ mode: 'off' });
    const call = recorder.submit('a', 0, aKey('ann'), note);
    recorder.grant(0);
    recorder.core.cancel(call, 1);
    expect(recorder.abandoned).toEqual([]);
  });

  test('that pass us by let everything leave that is held', () => {
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

  test('leave at once and alone, and wait for no other departure of their user', () => {
    const recorder = new Recorder();
    recorder.submit('held', 0);
    recorder.submit('a', 0, aKey('ann'), start);
    recorder.submit('b', 0, aKey('ann'), start);
    expect(recorder.permits.every(({ solo }) => solo)).toBe(true);
    expect(recorder.grant(0)).toEqual(['a (idle)', 'b (idle)']);
  });

  test('of one resource leave right behind the answer to the one before', () => {
    const recorder = new Recorder();
    const messages = { ...start, target: `${app}/messages` };
    recorder.submit('1', 0, aKey('ann'), messages);
    recorder.submit('2', 0, aKey('ann'), messages);
    expect(recorder.grant(0)).toEqual(['1 (idle)']);
    recorder.core.settle(recorder.batches[0]!, { kind: 'relay', reply: aReply('1') }, 50);
    expect(recorder.grant(50)).toEqual(['2 (idle)']);
  });
});
