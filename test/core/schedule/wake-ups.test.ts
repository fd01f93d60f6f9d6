import { describe, expect, test } from '@jest/globals';
import { aReply, Recorder } from '../../support/recording-sink.ts';

describe('the sink is asked to wake the coalescer', () => {
  /** The time that is asked for while `act` runs. */
  const asked = (recorder: Recorder, act: () => void): number => {
    recorder.alarmAtMs = Infinity;
    act();
    return recorder.alarmAtMs;
  };

  test('at the end of the turn, of the hold, and when the first batch may be late', () => {
    const recorder = new Recorder({ mode: 'fixed', lingerMaxMs: 15, timeoutMs: 1000 });
    expect(asked(recorder, () => recorder.submit('a', 0))).toBe(0);
    recorder.submit('b', 1);
    expect(asked(recorder, () => recorder.core.wake(1))).toBe(15);
    recorder.core.wake(15);
    expect(asked(recorder, () => recorder.grant(16))).toBe(16 + 50);
  });

  test('at the first deadline, also when nothing else is due', () => {
    const recorder = new Recorder({ mode: 'off', timeoutMs: 1000 });
    recorder.submit('a', 0);
    recorder.submit('b', 5);
    recorder.core.wake(5);
    recorder.grant(5);
    recorder.core.settle(recorder.batches[0]!, { kind: 'relay', reply: aReply('A') }, 20);
    expect(asked(recorder, () => recorder.core.wake(900))).toBe(1005);
  });

  test('at the end of a backoff', () => {
    const recorder = new Recorder({ mode: 'off', timeoutMs: 60_000 });
    recorder.submit('a', 0);
    recorder.core.wake(0);
    recorder.grant(0);
    const fault = { phase: 'unsent', name: 'connection_limit_reached' } as const;
    const ending = { kind: 'failure', cause: 'refused', fault, retryAfterMs: 5000 } as const;
    recorder.core.settle(recorder.batches[0]!, ending, 10);
    expect(asked(recorder, () => recorder.grant(11))).toBe(5010);
  });
});
