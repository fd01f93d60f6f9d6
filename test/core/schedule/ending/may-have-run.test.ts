import { expect, test } from '@jest/globals';
import { UncertainExecutions } from '../../../../src/core/schedule/ending/may-have-run.ts';
import { aKey, aReply, Recorder } from '../../../support/recording-sink.ts';

test('a call may have run while a hedged request for it is outstanding, even if its batch was not sent', () => {
  const uncertain = new UncertainExecutions<string>();
  const recorder = new Recorder({ timeoutMs: 1000 });
  const calls = ['a', 'b'].map((ticket) => recorder.submit(ticket, 0, aKey('ann')));
  recorder.core.wake(10);
  recorder.grant(10);
  const unsent = { phase: 'unsent', name: 'connection_timeout' } as const;
  expect(uncertain.failureFor(calls[0]!, unsent)).toBe(unsent);
  // Half of their time has passed, so hedged requests are due.
  recorder.core.wake(510);
  expect(recorder.grant(510)).toEqual(['a (idle)', 'b (idle)']);
  expect(uncertain.failureFor(calls[0]!, unsent).valueOf()).toMatchObject({ phase: 'unknown' });
  expect(uncertain.failureFor(calls[0]!, 'never-sent')).toMatchObject({ phase: 'unknown' });
  const [, beside] = recorder.batches;
  const fault = { phase: 'unsent', name: 'connection_refused' } as const;
  recorder.core.settle(beside!, { kind: 'failure', cause: 'connection', fault }, 520);
  expect(uncertain.failureFor(calls[0]!, unsent)).toBe(unsent);
  expect(uncertain.failureFor(calls[1]!, 'never-sent')).toMatchObject({ phase: 'unknown' });
  recorder.core.settle(recorder.batches[2]!, { kind: 'relay', reply: aReply('B') }, 530);
  expect(recorder.endings).toEqual(['b: B']);
});

/** Sends a batch of two GETs and breaks its answer off. Returns the first call, and the uncertain executions. */
function brokenOff(phase: 'unsent' | 'unknown') {
  const uncertain = new UncertainExecutions<string>();
  const recorder = new Recorder({ timeoutMs: 1000 });
  const calls = ['a', 'b'].map((caller) => recorder.submit(caller, 0, aKey('ann')));
  recorder.core.wake(10);
  recorder.grant(10);
  const fault = { phase, name: 'connection_terminated' } as const;
  const ending = { kind: 'failure', cause: 'connection', fault } as const;
  const batch = recorder.batches[0]!;
  uncertain.settle(batch, ending, () => recorder.core.settle(batch, ending, 20));
  return { uncertain, call: calls[0]! };
}

test('a call that waits for its retry may have run if its first request was sent', () => {
  const { uncertain, call } = brokenOff('unknown');
  expect(call.stage).toBe('held');
  expect(uncertain.failureFor(call, 'never-sent')).toMatchObject({ phase: 'unknown' });
});

test('a call that waits for its retry did not run if its first request was not sent', () => {
  const { uncertain, call } = brokenOff('unsent');
  expect(call.stage).toBe('held');
  expect(uncertain.failureFor(call, 'never-sent')).toBe('never-sent');
});

test('a call beside which a hedged request was answered may have run', () => {
  const uncertain = new UncertainExecutions<string>();
  const recorder = new Recorder({ timeoutMs: 1000 });
  const calls = ['a', 'b'].map((caller) => recorder.submit(caller, 0, aKey('ann')));
  recorder.core.wake(10);
  recorder.grant(10);
  recorder.core.wake(510);
  recorder.grant(510);
  const hedge = recorder.batches[1]!;
  const fault = { phase: 'unknown', name: 'connection_terminated' } as const;
  const ending = { kind: 'failure', cause: 'connection', fault } as const;
  uncertain.settle(hedge, ending, () => recorder.core.settle(hedge, ending, 520));
  const unsent = { phase: 'unsent', name: 'connection_refused' } as const;
  expect(uncertain.failureFor(calls[0]!, unsent)).toMatchObject({ phase: 'unknown' });
});
