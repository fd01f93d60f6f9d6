import { expect, test } from '@jest/globals';
import { Recorder } from '../../support/recording-sink.ts';

/** A recorder with these calls, which are held until 10 ms. */
function holding(...names: readonly string[]): Recorder {
  const recorder = new Recorder();
  for (const name of names) recorder.submit(name, 0);
  recorder.turn(0);
  recorder.core.wake(0);
  expect(recorder.permits).toEqual([]);
  return recorder;
}

test('mode off sends the held calls together, and each later call alone', () => {
  const recorder = holding('a', 'b');
  recorder.change({ mode: 'off' }, 3);
  expect(recorder.grant(3)).toEqual(['a b (idle)']);
  recorder.submit('c', 4);
  recorder.submit('d', 4);
  expect(recorder.grant(4)).toEqual(['c (idle)', 'd (idle)']);
});

test('calls that arrived in this turn are sent too', () => {
  const recorder = new Recorder();
  recorder.submit('a', 0);
  recorder.change({ mode: 'off' }, 0);
  expect(recorder.grant(0)).toEqual(['a (idle)']);
});

test('a shorter hold ends at its new time, or at once', () => {
  const recorder = holding('a');
  recorder.change({ lingerMaxMs: 6 }, 3);
  recorder.core.wake(5.9);
  expect(recorder.permits).toEqual([]);
  recorder.core.wake(6);
  expect(recorder.grant(6)).toEqual(['a (linger)']);

  const later = holding('b');
  later.change({ lingerMaxMs: 2 }, 3);
  expect(later.grant(3)).toEqual(['b (linger)']);
});

test('fewer parts end the hold of a batch that is full now', () => {
  const recorder = holding('a', 'b', 'c');
  recorder.change({ maxParts: 2 }, 3);
  expect(recorder.grant(3)).toEqual(['a b (parts)']);
  recorder.turn(3);
  recorder.core.wake(10);
  expect(recorder.grant(10)).toEqual(['c (linger)']);
});

test('a hold goes on if the new policy holds too, and a change during a drain holds no call', () => {
  const recorder = holding('a');
  recorder.change({ collapse: false, maxParts: 3 }, 3);
  recorder.core.wake(9.9);
  expect(recorder.permits).toEqual([]);
  recorder.core.wake(10);
  expect(recorder.grant(10)).toEqual(['a (linger)']);
  recorder.core.drain(11);
  recorder.change({ lingerMaxMs: 1000 }, 11);
  recorder.submit('b', 11);
  expect(recorder.grant(11)).toEqual(['b (drain)']);
});

test('a change back to batches shares them again', () => {
  const recorder = new Recorder({ mode: 'off' });
  recorder.submit('a', 0);
  expect(recorder.grant(0)).toEqual(['a (idle)']);
  recorder.change({ mode: 'fixed' }, 1);
  recorder.submit('b', 1);
  recorder.submit('c', 2);
  recorder.turn(2);
  recorder.core.wake(11);
  expect(recorder.grant(11)).toEqual(['b c (linger)']);
});
