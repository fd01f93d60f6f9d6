import { describe, expect, test } from '@jest/globals';
import type { FailureCause, FaultPhase } from '../../../../src/core/messages/fault.ts';
import type { Reply } from '../../../../src/core/messages/reply.ts';
import type { Ending } from '../../../../src/core/answer/ending.ts';
import { aKey, aReply, app, Recorder } from '../../../support/recording-sink.ts';

const me = { target: `${app}/me` };
const answer = (text: string): Ending => ({ kind: 'relay', reply: aReply(text) });
const failure = (cause: FailureCause, phase: FaultPhase, reply?: Reply): Ending => ({
  ...{ kind: 'failure', cause, fault: { phase, name: 'http_protocol_error' } },
  ...(reply === undefined ? {} : { reply }),
});

/** Three identical GETs, which share a part. */
function identical() {
  const recorder = new Recorder();
  const calls = ['a', 'b', 'c'].map((name) => recorder.submit(name, 0, aKey('ann'), me));
  return { recorder, calls };
}

describe('of identical GETs, a caller that leaves', () => {
  test.each([0, 1, 2])('while they are held takes nothing from the others (%i)', (at) => {
    const { recorder, calls } = identical();
    recorder.core.cancel(calls[at]!, 1);
    expect(recorder.core.heldCalls).toBe(2);
    recorder.core.wake(10);
    expect(recorder.grant(10)).toHaveLength(1);
    expect(recorder.batches[0]!.calls).toHaveLength(1);
    recorder.core.settle(recorder.batches[0]!, answer('me'), 20);
    const others = ['a: me', 'b: me', 'c: me'].filter((_, n) => n !== at);
    expect(recorder.endings).toEqual(others);
  });

  test('lets the next one take its place in the queue', () => {
    const recorder = new Recorder({ maxParts: 1 });
    const first = recorder.submit('a', 0, aKey('ann'), me);
    recorder.submit('later', 0);
    recorder.submit('b', 0, aKey('ann'), me);
    recorder.core.cancel(first, 0);
    recorder.core.wake(10);
    expect(recorder.grant(10)[0]).toMatch(/^b /);
  });

  test('leaves the bytes of the next one in the queue', () => {
    const recorder = new Recorder({ maxBytes: 250 });
    const first = recorder.submit('a', 0, aKey('ann'), me);
    recorder.submit('b', 0, aKey('ann'), { ...me, sizeBytes: 200 });
    recorder.core.cancel(first, 0);
    recorder.submit('small', 0, aKey('ann'), { sizeBytes: 10 });
    expect(recorder.grant(0)).toEqual([]);
    recorder.submit('large', 0, aKey('ann'), { sizeBytes: 50 });
    expect(recorder.grant(0)).toEqual(['b small (bytes)']);
  });

  test.each([0, 1, 2])('while they are sent does not end their request (%i)', (at) => {
    const { recorder, calls } = identical();
    recorder.core.wake(10);
    recorder.grant(10);
    recorder.core.cancel(calls[at]!, 15);
    expect(recorder.abandoned).toEqual([]);
    recorder.core.settle(recorder.batches[0]!, answer('me'), 20);
    expect(recorder.endings).toHaveLength(2);
  });

  test('ends their request if it was the last one', () => {
    const { recorder, calls } = identical();
    recorder.core.wake(10);
    recorder.grant(10);
    for (const call of calls) recorder.core.cancel(call, 15);
    expect(recorder.abandoned).toEqual(recorder.batches);
  });

  test.each(['held', 'sent'])('does not hide their retry, which is %s', (stage) => {
    const { recorder, calls } = identical();
    recorder.core.wake(10);
    recorder.grant(10);
    recorder.core.settle(recorder.batches[0]!, failure('server_error', 'unknown'), 20);
    if (stage === 'sent') recorder.grant(20);
    recorder.core.cancel(calls[0]!, 21);
    recorder.grant(22);
    recorder.core.settle(recorder.batches[1]!, answer('me'), 30);
    expect(recorder.endings).toEqual(['b: me', 'c: me']);
    expect(recorder.noted).toEqual(['repeat answer answered']);
  });
});

test('a caller that leaves in the middle of its answer ends its request', () => {
  const recorder = new Recorder({ mode: 'off' });
  const call = recorder.submit('a', 0);
  recorder.grant(0);
  recorder.core.begin(recorder.batches[0]!, 200, 5);
  recorder.core.cancel(call, 6);
  expect(recorder.abandoned).toEqual(recorder.batches);
  recorder.core.settle(recorder.batches[0]!, failure('connection', 'unknown'), 7);
  expect(recorder.endings).toEqual([]);
});

test.each(['held', 'sent', 'answering'])('a retry without a caller is needless: %s', (stage) => {
  const recorder = new Recorder({ mode: 'off' });
  const call = recorder.submit('a', 0);
  recorder.grant(0);
  recorder.core.settle(recorder.batches[0]!, failure('server_error', 'unknown'), 10);
  if (stage !== 'held') recorder.grant(10);
  if (stage === 'answering') recorder.core.begin(recorder.batches[1]!, 200, 11);
  expect(call.stage).toBe(stage);
  recorder.core.cancel(call, 12);
  expect(recorder.noted).toEqual(['repeat answer needless']);
});

describe('during a backoff', () => {
  const refused = { ...failure('refused', 'unsent', aReply('429')), retryAfterMs: 580 };

  test('a held call ends at once if its deadline comes no later than the end of the backoff', () => {
    const recorder = new Recorder({ mode: 'off', timeoutMs: 600 });
    const note = { callClass: 'unsafe', target: `${app}/me/note` } as const;
    for (const name of ['sent', 'held']) recorder.submit(name, 0, aKey('ann'), note);
    recorder.submit('read', 0);
    recorder.grant(0);
    recorder.submit('later', 1, aKey('ann'), note);
    const read = recorder.batches.find(({ calls }) => calls[0]?.caller === 'read')!;
    recorder.core.settle(read, refused, 20);
    expect(recorder.endings).toEqual(['read: 429', 'held: never-sent']);
  });

  test('a shutdown tells the caller of a retry that its first request may have run', () => {
    const recorder = new Recorder({ mode: 'off' });
    recorder.submit('a', 0);
    recorder.submit('b', 0);
    recorder.grant(0);
    recorder.core.settle(recorder.batches[1]!, refused, 20);
    recorder.core.settle(recorder.batches[0]!, failure('connection', 'unknown'), 20);
    recorder.core.drain(30);
    expect(recorder.endings).toEqual(['a: http_protocol_error', 'b: never-sent']);
    expect(recorder.noted).toContain('repeat unknown failed');
  });
});

describe('at its deadline', () => {
  test('a held call was never sent, and a sent call is late', () => {
    const recorder = new Recorder({ mode: 'off' });
    recorder.submit('sent', 0);
    recorder.grant(0);
    recorder.submit('held', 0);
    recorder.core.wake(1000);
    expect(recorder.endings).toEqual(['sent: late', 'held: never-sent']);
    expect(recorder.abandoned).toEqual(recorder.batches);
    expect(recorder.core.heldCalls).toBe(0);
  });

  test('a retry gives its caller the answer that the pool gave before', () => {
    const recorder = new Recorder({ mode: 'off' });
    recorder.submit('a', 0);
    recorder.grant(0);
    const ending = failure('server_error', 'unknown', aReply('500'));
    recorder.core.settle(recorder.batches[0]!, ending, 20);
    recorder.core.wake(1000);
    expect(recorder.endings).toEqual(['a: 500']);
    expect(recorder.noted).toEqual(['repeat answer failed']);
  });
});

describe('a GET of a batch', () => {
  /** Sends two GETs in a batch. The first one gets this part. */
  function parted(part: Reply | { phase: FaultPhase; name: 'http_protocol_error' }): Recorder {
    const recorder = new Recorder({ timeoutMs: 10_000 });
    recorder.submit('a', 0);
    recorder.submit('b', 0);
    recorder.core.wake(10);
    recorder.grant(10);
    recorder.core.part(recorder.batches[0]!, 0, part, false, 20);
    recorder.core.part(recorder.batches[0]!, 1, aReply('B'), false, 20);
    recorder.core.settle(recorder.batches[0]!, { kind: 'complete' }, 20);
    return recorder;
  }

  test.each([
    ['is refused', { ...aReply('429'), status: 429 }],
    ['cannot be read', { phase: 'unknown', name: 'http_protocol_error' } as const],
  ])('is retried if its part %s', (_, part) => {
    const recorder = parted(part);
    expect(recorder.endings).toEqual(['b: B']);
    expect(recorder.grant(20)).toHaveLength(1);
    recorder.core.settle(recorder.batches[1]!, answer('again'), 30);
    expect(recorder.endings).toEqual(['b: B', 'a: again']);
    expect(recorder.noted).toContain('repeat answer answered');
  });

  test.each([
    ['connection', 'unsent', 'unsent'],
    ['connection', 'unknown', 'unknown'],
    ['broken_off', 'unknown', 'unknown'],
    ['not_understood', 'unknown', 'answer'],
  ] as const)('that failed with %s (%s) is counted as a retry: %s', (cause, phase, reason) => {
    const recorder = new Recorder({ mode: 'off' });
    recorder.submit('a', 0);
    recorder.grant(0);
    recorder.core.settle(recorder.batches[0]!, failure(cause, phase), 10);
    recorder.grant(10);
    recorder.core.settle(recorder.batches[1]!, answer('again'), 20);
    expect(recorder.endings).toEqual(['a: again']);
    expect(recorder.noted).toEqual([`repeat ${reason} answered`]);
  });
});
