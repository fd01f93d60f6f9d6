/** Single calls in the shadow. */
import { expect, test } from '@jest/globals';
import { ShadowRecorder } from '../../support/shadow-recorder.ts';

test('a batch takes as long as its slowest call', () => {
  const recorder = new ShadowRecorder();
  const quick = recorder.arrives(0, 'quick');
  const slow = recorder.arrives(4, 'slow');
  expect(recorder.until(9)).toEqual([]);
  expect(recorder.until(10)).toEqual(['request 2/2']);
  recorder.answered(quick, 20);
  expect(recorder.until(30)).toEqual([]);
  recorder.answered(slow, 44);
  // The batch ends at 10 + 40 ms. The quick call takes 50 ms instead of 20, and the slow one 46 instead of 40.
  expect(recorder.until(49)).toEqual([]);
  expect(recorder.until(50)).toEqual(['answered +30', 'answered +6']);
});

test('a request ends at its exact time, even if wake is called late', () => {
  const recorder = new ShadowRecorder();
  recorder.answered(recorder.arrives(0, 'me'), 8);
  recorder.shadow.wake(10);
  recorder.shadow.wake(500);
  expect(recorder.said).toEqual(['request 1/1', 'answered +10']);
});

test('identical calls share a part', () => {
  const recorder = new ShadowRecorder();
  const first = recorder.arrives(0, 'me', { collapsible: true });
  const duplicate = recorder.arrives(6, 'me', { collapsible: true });
  expect(recorder.until(10)).toEqual(['request 2/1']);
  recorder.answered(first, 20);
  recorder.answered(duplicate, 46);
  expect(recorder.until(100)).toEqual(['answered +10', 'answered -16']);
});

test('operations are sent at once and unbatched', () => {
  const recorder = new ShadowRecorder();
  const call = recorder.arrives(0, 'me', { callClass: 'operation', method: 'POST' });
  expect(recorder.said).toEqual(['request 1/1']);
  recorder.answered(call, 20);
  expect(recorder.until(30)).toEqual(['request 1/1', 'answered +0']);
});

test('a call is not sent if its caller left before', () => {
  const recorder = new ShadowRecorder();
  const stays = recorder.arrives(0, 'a');
  const leaves = recorder.arrives(1, 'b');
  recorder.shadow.callerLeft(leaves, 5);
  expect(recorder.until(10)).toEqual(['request 1/1']);
  recorder.answered(stays, 20);
  expect(recorder.until(100)).toEqual(['answered +10']);
});

test('a batch is abandoned after all its callers left', () => {
  const recorder = new ShadowRecorder({}, 1);
  const calls = [recorder.arrives(0, 'a'), recorder.arrives(0, 'b')];
  expect(recorder.until(10)).toEqual(['request 2/2']);
  for (const call of calls) recorder.shadow.callerLeft(call, 15);
  // The only permit of the user is free again.
  recorder.arrives(20, 'c');
  recorder.arrives(20, 'd');
  expect(recorder.until(30)).toEqual(['request 2/2']);
});

test('a user has at most maxInFlightPerUser batches in flight', () => {
  const recorder = new ShadowRecorder({ maxParts: 2 }, 1);
  const calls = ['a', 'b', 'c', 'd'].map((path) => recorder.arrives(0, path));
  expect(recorder.until(20)).toEqual(['request 2/2']);
  for (const call of calls) recorder.answered(call, 30);
  expect(recorder.until(30)).toEqual(['answered +0', 'request 2/2', 'answered +0']);
  expect(recorder.until(60)).toEqual(['answered +30', 'answered +30']);
});

test('a slow batch frees its slot for other batches of its user', () => {
  const recorder = new ShadowRecorder({ maxParts: 2 }, 1);
  for (const path of ['a', 'b', 'c', 'd']) recorder.arrives(0, path);
  expect(recorder.until(40)).toEqual(['request 2/2']);
  expect(recorder.until(60)).toEqual(['request 2/2']);
});

test('all users together have at most maxConnections requests in flight', () => {
  const recorder = new ShadowRecorder({ mode: 'off' }, 4, 1);
  const first = recorder.arrives(0, 'a');
  recorder.arrives(0, 'b', {}, 'bob');
  expect(recorder.until(5)).toEqual(['request 1/1']);
  recorder.answered(first, 20);
  expect(recorder.until(20)).toEqual(['request 1/1', 'answered +0']);
});

test('a call that a cap refuses is counted, and does not affect other calls', () => {
  const recorder = new ShadowRecorder({ maxQueuedCallsPerUser: 1 });
  const first = recorder.arrives(0, 'a');
  const second = recorder.arrives(0, 'b');
  expect(recorder.said).toEqual(['refused']);
  for (const call of [first, second]) recorder.answered(call, 20);
  expect(recorder.until(100)).toEqual(['refused', 'request 1/1', 'answered +10']);
});

test('a request fails in the shadow as its call really failed, and is retried', () => {
  const recorder = new ShadowRecorder();
  const calls = ['a', 'b'].map((path) => recorder.arrives(0, path));
  expect(recorder.until(10)).toEqual(['request 2/2']);
  const fault = { phase: 'unknown', name: 'connection_terminated' } as const;
  recorder.shadow.outcome(calls[0]!, { tookMs: 5, cause: 'connection', fault }, 5);
  // Both calls are retried unbatched. The failed call was really retried too.
  expect(recorder.until(20)).toEqual(['request 0/1', 'request 0/1']);
  recorder.answered(calls[1]!, 30);
  recorder.shadow.outcome(calls[0]!, { tookMs: 20, status: 200 }, 30);
  recorder.shadow.realEnded(calls[0]!, 30);
  expect(recorder.until(100)).toEqual(['answered +5', 'answered +15']);
});

test('a call that fails in the shadow but was really answered is counted as failed', () => {
  const recorder = new ShadowRecorder({ timeoutMs: 100 });
  const quick = recorder.arrives(0, 'a', { method: 'PUT', callClass: 'unsafe' });
  const slow = recorder.arrives(0, 'b', { method: 'PUT', callClass: 'unsafe' });
  recorder.answered(quick, 20);
  recorder.answered(slow, 95);
  expect(recorder.until(200)).toEqual(['request 2/2', 'failed', 'failed']);
});

test('a call that really fails too is not counted as failed', () => {
  const recorder = new ShadowRecorder({ timeoutMs: 100 });
  const call = recorder.arrives(0, 'a');
  expect(recorder.until(10)).toEqual(['request 1/1']);
  recorder.shadow.realEnded(call, 100);
  expect(recorder.until(300)).not.toContain('failed');
});

test('a pass-through write and the drain flush held calls', () => {
  const recorder = new ShadowRecorder();
  recorder.arrives(0, 'a');
  recorder.shadow.passedThrough('ann', 1, false, 2);
  recorder.shadow.barrier('ann', 2);
  expect(recorder.said).toEqual(['request 1/1']);
  recorder.shadow.passedThrough('ann', -1, false, 3);
  recorder.arrives(4, 'b');
  recorder.shadow.drain(5);
  recorder.arrives(6, 'c');
  expect(recorder.until(6)).toEqual(['request 1/1', 'request 1/1', 'request 1/1']);
});

test('calls of a client that waits for each answer share no batch in the shadow', () => {
  const recorder = new ShadowRecorder();
  let nowMs = 0;
  for (let i = 0; i < 30; i += 1) {
    const call = recorder.arrives(nowMs, `n${i}`);
    recorder.answered(call, nowMs + 2);
    nowMs += 3;
  }
  const requests = recorder.until(1000).filter((said) => said.startsWith('request'));
  // Some of the first calls look like companions, until the shadow knows that the client waits.
  expect(requests.slice(-15)).toEqual(new Array(15).fill('request 1/1'));
  expect(requests.length).toBeGreaterThan(20);
});

test('calls that really arrived together with a waiting call arrive together in the shadow', () => {
  const recorder = new ShadowRecorder();
  let nowMs = 0;
  for (let i = 0; i < 20; i += 1) {
    recorder.answered(recorder.arrives(nowMs, `a${i}`), nowMs + 2);
    nowMs += 3;
  }
  const pair = [recorder.arrives(nowMs, 'b'), recorder.arrives(nowMs + 0.5, 'c')];
  const leaver = recorder.arrives(nowMs + 0.6, 'd');
  for (const call of pair) recorder.answered(call, nowMs + 2);
  recorder.shadow.callerLeft(leaver, nowMs + 2.5);
  const requests = recorder.until(1000).filter((said) => said.startsWith('request'));
  expect(requests.slice(-3)).toEqual(['request 1/1', 'request 1/1', 'request 2/2']);
});

test('a caller that leaves a batch does not affect the other calls', () => {
  const recorder = new ShadowRecorder();
  const stays = recorder.arrives(0, 'a');
  const leaves = recorder.arrives(0, 'b');
  expect(recorder.until(10)).toEqual(['request 2/2']);
  recorder.shadow.callerLeft(leaves, 12);
  recorder.answered(stays, 20);
  expect(recorder.until(100)).toEqual(['answered +10']);
});
