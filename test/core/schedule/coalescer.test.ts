import { describe, expect, test } from '@jest/globals';
import { aKey, aReply, app, names, Recorder } from '../../support/recording-sink.ts';

describe('a call that is submitted', () => {
  test('is held for the length of the window from the first arrival, and leaves with its companions', () => {
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

  test('leaves at once when the batch is full', () => {
    const recorder = new Recorder();
    for (const name of ['a', 'b', 'c', 'd', 'e']) recorder.submit(name, 0);
    expect(recorder.grant(0)).toEqual(['a b c d e (parts)']);
  });

  test('leaves at once when the batch has its bytes', () => {
    const recorder = new Recorder();
    recorder.submit('a', 0, aKey('ann'), { sizeBytes: 600 });
    recorder.submit('b', 0, aKey('ann'), { sizeBytes: 400 });
    expect(recorder.grant(0)).toEqual(['a b (bytes)']);
  });

  test('is not taken along when the batch would grow beyond its bytes', () => {
    const recorder = new Recorder();
    recorder.submit('a', 0, aKey('ann'), { sizeBytes: 600 });
    recorder.submit('b', 1, aKey('ann'), { sizeBytes: 500 });
    expect(recorder.grant(1)).toEqual(['a (bytes)']);
    recorder.turn(1);
    recorder.core.wake(11);
    expect(recorder.grant(11)).toEqual(['b (linger)']);
  });

  test('leaves alone however large it is', () => {
    const recorder = new Recorder();
    recorder.submit('a', 0, aKey('ann'), { sizeBytes: 5000 });
    expect(recorder.grant(0)).toEqual(['a (bytes)']);
  });

  test('goes along with a batch that waits for its departure', () => {
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

  test('departs alone and at once where batching is off', () => {
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
  ])('is refused beyond a cap, until a call has ended: %s', (reason, changes, credential) => {
    const recorder = new Recorder(changes);
    const first = recorder.submit('a', 0, aKey('ann'));
    expect(() => recorder.submit('b', 0, aKey(credential))).toThrow(reason);
    recorder.core.cancel(first, 0);
    recorder.submit('c', 0, aKey(credential));
    expect(recorder.core.heldCalls).toBe(1);
  });
});

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

  test('is given early, 5 ms after it came whole, when the rest takes its time', () => {
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

  test('that is not beyond doubt is not given early', () => {
    const recorder = sent('a', 'b');
    recorder.core.part(recorder.batches[0]!, 0, aReply('A'), false, 20);
    recorder.core.wake(500);
    expect(recorder.endings).toEqual([]);
  });

  test('with the wrong count answers nobody, save who has his answer; then answers wait for the count', () => {
    const fault = { phase: 'unknown', name: 'http_protocol_error' } as const;
    const recorder = sent('a', 'b');
    const [first] = recorder.batches;
    recorder.core.part(first!, 0, aReply('A'), true, 20);
    recorder.core.wake(25);
    recorder.core.part(first!, 1, aReply('B'), true, 30);
    recorder.core.settle(first!, { kind: 'miscounted', fault }, 31);
    expect(recorder.endings).toEqual(['a: A', 'b: http_protocol_error']);

    recorder.submit('c', 100);
    recorder.turn(100);
    recorder.core.wake(110);
    recorder.grant(110);
    recorder.core.part(recorder.batches[1]!, 0, aReply('C'), true, 120);
    recorder.core.wake(500);
    expect(recorder.endings).toHaveLength(2);
    recorder.core.settle(recorder.batches[1]!, { kind: 'complete' }, 501);
    expect(recorder.endings.at(-1)).toBe('c: C');
  });

  test('that refuses the batch goes to each of its callers', () => {
    const recorder = sent('a', 'b');
    recorder.core.settle(recorder.batches[0]!, { kind: 'relay', reply: aReply('429') }, 20);
    expect(recorder.endings).toEqual(['a: 429', 'b: 429']);
  });

  test('that never came whole is a fault for those whose part did not come', () => {
    const recorder = sent('a', 'b');
    recorder.core.part(recorder.batches[0]!, 0, aReply('A'), false, 20);
    recorder.core.settle(
      recorder.batches[0]!,
      {
        kind: 'broken-off',
        fault: { phase: 'unknown', name: 'connection_terminated' },
      },
      20,
    );
    expect(recorder.endings).toEqual(['a: A', 'b: connection_terminated']);
  });

  test('that is forgotten by us is our own mistake, not a caller who waits for ever', () => {
    const recorder = sent('a');
    recorder.core.settle(recorder.batches[0]!, { kind: 'complete' }, 20);
    expect(recorder.endings).toEqual(['a: proxy_internal_error']);
  });
});

describe('a caller who leaves', () => {
  test('before its call is sent takes it along, and nobody else notices', () => {
    const recorder = new Recorder();
    const first = recorder.submit('a', 0);
    recorder.turn(0);
    recorder.submit('b', 5);
    recorder.core.cancel(first, 5);
    recorder.turn(5);
    recorder.core.wake(15);
    expect(recorder.grant(15)).toEqual(['b (linger)']);
  });

  test('alone leaves nothing behind, and a permit that comes too late finds nobody', () => {
    const recorder = new Recorder();
    const call = recorder.submit('a', 0);
    recorder.core.wake(10);
    recorder.core.cancel(call, 0);
    expect(recorder.core.users.active).toBe(0);
    expect(recorder.core.depart(recorder.permits[0]!.user, false, 10)).toBe(false);
    recorder.core.wake(2000);
    expect(recorder.endings).toEqual([]);
  });

  test('after its call was sent shifts nobody', () => {
    const recorder = sent('a', 'b', 'c');
    const batch = recorder.batches[0]!;
    recorder.core.cancel(batch.calls[0]!, 0);
    ['A', 'B', 'C'].forEach((text, i) => recorder.core.part(batch, i, aReply(text), false, 20));
    recorder.core.settle(batch, { kind: 'complete' }, 20);
    expect(recorder.endings).toEqual(['b: B', 'c: C']);
    expect(recorder.abandoned).toEqual([]);
  });

  test('as the last of its batch lets it be broken off', () => {
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
        kind: 'broken-off',
        fault: { phase: 'unknown', name: 'connection_terminated' },
      },
      20,
    );
    expect(recorder.core.outstandingCalls).toBe(0);
    expect(recorder.endings).toEqual(['a: A']);
  });

  test('in the middle of a streamed answer breaks it off', () => {
    const recorder = sent('a');
    const batch = recorder.batches[0]!;
    recorder.core.begin(batch, 200);
    recorder.core.cancel(batch.calls[0]!, 0);
    expect(recorder.abandoned).toEqual([batch]);
  });
});

describe('a deadline', () => {
  test('of a call that still waits answers that it was never sent', () => {
    const recorder = new Recorder({ lingerMaxMs: 5000 });
    recorder.submit('a', 0);
    recorder.submit('b', 1);
    recorder.core.wake(1000);
    expect(recorder.endings).toEqual(['a: never-sent']);
    recorder.core.wake(1001);
    expect(recorder.endings).toEqual(['a: never-sent', 'b: never-sent']);
    expect(recorder.core.heldCalls).toBe(0);
  });

  test('of a call that was sent leaves the others of its batch waiting', () => {
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

  test('does not cut an answer that has begun', () => {
    const recorder = sent('a');
    recorder.core.begin(recorder.batches[0]!, 200);
    recorder.core.wake(5000);
    recorder.core.settle(recorder.batches[0]!, { kind: 'complete' }, 20);
    expect(recorder.endings).toEqual([]);
  });

  test('is asked to be woken for as long as somebody waits', () => {
    const recorder = sent('a');
    expect(recorder.alarmAtMs).toBeLessThanOrEqual(1000);
    recorder.alarmAtMs = Infinity;
    recorder.core.wake(500);
    expect(recorder.alarmAtMs).toBe(1000);
  });
});

describe('a shutdown', () => {
  test('lets held calls leave at once, and later ones without a hold', () => {
    const recorder = new Recorder();
    recorder.submit('a', 0);
    recorder.submit('b', 0, aKey('bob'));
    recorder.core.drain(1);
    expect(recorder.grant(1)).toEqual(['a (drain)', 'b (drain)']);
    recorder.submit('c', 2);
    expect(recorder.grant(2)).toEqual(['c (drain)']);
  });

  test('answers everybody who still waits at its end', () => {
    const recorder = sent('a');
    recorder.submit('b', 20);
    recorder.core.expireAll(50);
    expect(recorder.endings.sort()).toEqual(['a: late', 'b: never-sent']);
  });
});

test('when more wait than a batch may hold, the rest leaves behind it', () => {
  const recorder = new Recorder();
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) recorder.submit(name, 0);
  recorder.core.depart(recorder.permits.shift()!.user, false, 10);
  expect(recorder.batches.map(names)).toEqual(['a b c d e (parts)']);
  expect(recorder.grant(10)).toEqual(['f g (parts)']);
});

test('of two streams the one that has been ready for longer leaves first', () => {
  const recorder = new Recorder();
  recorder.submit('b', 0, aKey('ann', app, 'cookie'));
  recorder.turn(0);
  recorder.submit('a', 5);
  recorder.turn(5);
  recorder.core.wake(10);
  recorder.core.wake(15);
  expect(recorder.grant(15)).toEqual(['b (linger)', 'a (linger)']);
});

/** These calls, sent in one batch. */
function sent(...tickets: string[]): Recorder {
  const recorder = new Recorder();
  for (const ticket of tickets) recorder.submit(ticket, 0);
  recorder.core.wake(10);
  recorder.grant(10);
  return recorder;
}

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
    expect(recorder.permits.every(({ operation }) => operation)).toBe(true);
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

describe('identical GETs that are held together', () => {
  const same = { target: `${app}/me` };

  test('share a part, and each caller gets its answer', () => {
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
      { kind: 'broken-off', fault: { phase: 'unknown', name: 'connection_terminated' } },
      20,
    );
    expect(recorder.endings).toEqual(['a: A', 'b: A', 'c: connection_terminated']);
  });

  test('live on when the first of them leaves, held or under way', () => {
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

  test('do not share a part that has left, nor across a write to the same path', () => {
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

  test('do not, where collapsing is off', () => {
    const recorder = new Recorder({ collapse: false });
    recorder.submit('a', 0, aKey('ann'), same);
    recorder.submit('b', 0, aKey('ann'), same);
    recorder.turn(0);
    recorder.core.wake(10);
    expect(recorder.grant(10)).toEqual(['a b (linger)']);
  });
});

describe('the adaptive hold', () => {
  /** A user who sends pairs of calls so far apart, until the gaps are known. */
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

  test('does not hold before enough is known', () => {
    const recorder = new Recorder({ mode: 'adaptive' });
    recorder.submit('a', 0);
    recorder.submit('b', 0);
    expect(recorder.grant(0)).toEqual([]);
    recorder.turn(0);
    expect(recorder.grant(0)).toEqual(['a b (idle)']);
  });

  test('waits for a companion who is likely, and no longer than that', () => {
    const recorder = taught(4);
    recorder.submit('a', later);
    recorder.turn(later);
    expect(recorder.grant(later)).toEqual([]);
    recorder.submit('b', later + 4);
    recorder.alarmAtMs = Infinity;
    recorder.turn(later + 4);
    expect(recorder.alarmAtMs).toBeLessThan(later + 10);
    recorder.core.wake(recorder.alarmAtMs);
    expect(recorder.grant(recorder.alarmAtMs)).toEqual(['a b (idle)']);
  });

  test('never waits longer than it may', () => {
    const recorder = taught(14);
    for (let i = 0; i < 4; i += 1) {
      recorder.submit(`a${i}`, later + i * 4);
      recorder.turn(later + i * 4);
    }
    recorder.core.wake(later + 15);
    const [batch] = recorder.grant(later + 15);
    expect(batch).toMatch(/^a0 a1/);
  });

  test('does not wait where companions come too late to be worth it', () => {
    const recorder = taught(400);
    recorder.submit('a', later);
    recorder.turn(later);
    expect(recorder.grant(later)).toEqual(['a (idle)']);
  });

  test('holds a user twice in vain and then no more, until a companion comes by itself', () => {
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

  test('remembers that of a user who was away, if the pool ever answered him well', () => {
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
