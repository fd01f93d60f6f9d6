import { expect, test } from '@jest/globals';
import { Recorder, aReply } from '../../../support/recording-sink.ts';

/** Sends this number of calls of ann, and returns the recorder. */
function busy(calls: number, answered: number): Recorder {
  const recorder = new Recorder({ mode: 'off' });
  for (let i = 0; i < calls; i += 1) recorder.submit(`c${i}`, 0);
  recorder.grant(0);
  for (const batch of recorder.batches.slice(0, answered)) {
    recorder.core.settle(batch, { kind: 'relay', reply: aReply('') }, 1);
  }
  return recorder;
}

test('half of the learned limit stays free', () => {
  expect(busy(1, 1).core.spareRoom('ann', 1)).toBe(10);
  expect(busy(5, 1).core.spareRoom('ann', 1)).toBe(6);
  expect(busy(12, 1).core.spareRoom('ann', 1)).toBe(0);
});

test('polls count', () => {
  const { core } = busy(1, 1);
  core.passedThrough('ann', 1, true, 2);
  expect(core.spareRoom('ann', 2)).toBe(9);
});

test('there is no room for an unknown user', () => {
  expect(busy(1, 1).core.spareRoom('bob', 1)).toBe(0);
});

test('there is no room after a refusal, until the pool accepts calls again', () => {
  const recorder = busy(2, 1);
  const fault = { phase: 'unsent', name: 'destination_unavailable' } as const;
  const refused = { kind: 'failure', cause: 'refused', fault, reply: aReply('') } as const;
  recorder.core.settle(recorder.batches[1]!, refused, 2);
  expect(recorder.core.spareRoom('ann', 2)).toBe(0);
  expect(recorder.core.spareRoom('ann', 5000)).toBe(0);
});
