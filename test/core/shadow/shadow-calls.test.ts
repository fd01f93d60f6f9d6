/** What becomes of single calls in the shadow. */
import { expect, test } from '@jest/globals';
import { ShadowRecorder } from '../../support/shadow-recorder.ts';

test('a batch is answered when its slowest part would have been', () => {
  const recorder = new ShadowRecorder();
  const quick = recorder.arrives(0, 'quick');
  const slow = recorder.arrives(4, 'slow');
  expect(recorder.until(9)).toEqual([]);
  expect(recorder.until(10)).toEqual(['request 2/2']);
  recorder.answered(quick, 20);
  expect(recorder.until(30)).toEqual([]);
  recorder.answered(slow, 44);
  // At 10 + 40: 50 ms for the one that took 20, 46 for the one that took 40.
  expect(recorder.until(49)).toEqual([]);
  expect(recorder.until(50)).toEqual(['answered +30', 'answered +6']);
});

test('what is due ends at its own time, however late the shadow is told', () => {
  const recorder = new ShadowRecorder();
  recorder.answered(recorder.arrives(0, 'me'), 8);
  recorder.shadow.wake(10);
  recorder.shadow.wake(500);
  expect(recorder.said).toEqual(['request 1/1', 'answered +10']);
});

test('identical calls share a part', () => {
  const recorder = new ShadowRecorder();
  const first = recorder.arrives(0, 'me', { collapsible: true });
  const twin = recorder.arrives(6, 'me', { collapsible: true });
  expect(recorder.until(10)).toEqual(['request 2/1']);
  recorder.answered(first, 20);
  recorder.answered(twin, 46);
  expect(recorder.until(100)).toEqual(['answered +10', 'answered -16']);
});

test('operations leave at once, alone', () => {
  const recorder = new ShadowRecorder();
  const call = recorder.arrives(0, 'me', { callClass: 'operation', method: 'POST' });
  expect(recorder.said).toEqual(['request 1/1']);
  recorder.answered(call, 20);
  expect(recorder.until(30)).toEqual(['request 1/1', 'answered +0']);
});

test('who left before his call would have, is not waited for', () => {
  const recorder = new ShadowRecorder();
  const stays = recorder.arrives(0, 'a');
  const leaves = recorder.arrives(1, 'b');
  recorder.shadow.callerLeft(leaves, 5);
  expect(recorder.until(10)).toEqual(['request 1/1']);
  recorder.answered(stays, 20);
  expect(recorder.until(100)).toEqual(['answered +10']);
});

test('a batch whose callers have all left is broken off', () => {
  const recorder = new ShadowRecorder({}, 1);
  const calls = [recorder.arrives(0, 'a'), recorder.arrives(0, 'b')];
  expect(recorder.until(10)).toEqual(['request 2/2']);
  for (const call of calls) recorder.shadow.callerLeft(call, 15);
  // Its departure is free again.
  recorder.arrives(20, 'c');
  recorder.arrives(20, 'd');
  expect(recorder.until(30)).toEqual(['request 2/2']);
});

test('a user has no more batches on the wire than he may', () => {
  const recorder = new ShadowRecorder({ maxParts: 2 }, 1);
  const calls = ['a', 'b', 'c', 'd'].map((path) => recorder.arrives(0, path));
  expect(recorder.until(20)).toEqual(['request 2/2']);
  for (const call of calls) recorder.answered(call, 30);
  expect(recorder.until(30)).toEqual(['answered +0', 'request 2/2', 'answered +0']);
  expect(recorder.until(60)).toEqual(['answered +30', 'answered +30']);
});

test('a batch that takes long makes room for others of its user', () => {
  const recorder = new ShadowRecorder({ maxParts: 2 }, 1);
  for (const path of ['a', 'b', 'c', 'd']) recorder.arrives(0, path);
  expect(recorder.until(40)).toEqual(['request 2/2']);
  expect(recorder.until(60)).toEqual(['request 2/2']);
});

test('all users together have no more requests on the wire than there are connections', () => {
  const recorder = new ShadowRecorder({ mode: 'off' }, 4, 1);
  const first = recorder.arrives(0, 'a');
  recorder.arrives(0, 'b', {}, 'bob');
  expect(recorder.until(5)).toEqual(['request 1/1']);
  recorder.answered(first, 20);
  expect(recorder.until(20)).toEqual(['request 1/1', 'answered +0']);
});

test('a call that a cap would have kept out is counted, and no harm to the others', () => {
  const recorder = new ShadowRecorder({ maxQueuedCallsPerUser: 1 });
  const first = recorder.arrives(0, 'a');
  const second = recorder.arrives(0, 'b');
  expect(recorder.said).toEqual(['refused']);
  for (const call of [first, second]) recorder.answered(call, 20);
  expect(recorder.until(100)).toEqual(['refused', 'request 1/1', 'answered +10']);
});

test('a request in the shadow fails as its call really did, and is repeated as far as that may be', () => {
  const recorder = new ShadowRecorder();
  const calls = ['a', 'b'].map((path) => recorder.arrives(0, path));
  expect(recorder.until(10)).toEqual(['request 2/2']);
  const fault = { phase: 'unknown', name: 'connection_terminated' } as const;
  recorder.shadow.outcome(calls[0]!, { tookMs: 5, trouble: 'connection', fault }, 5);
  // Both are asked again, singly; the one that failed really was as well.
  expect(recorder.until(20)).toEqual(['request 0/1', 'request 0/1']);
  recorder.answered(calls[1]!, 30);
  recorder.shadow.outcome(calls[0]!, { tookMs: 20, status: 200 }, 30);
  recorder.shadow.realEnded(calls[0]!, 30);
  expect(recorder.until(100)).toEqual(['answered +5', 'answered +15']);
});

test('a call that fails in the shadow and was really answered is counted', () => {
  const recorder = new ShadowRecorder({ timeoutMs: 100 });
  const quick = recorder.arrives(0, 'a', { method: 'PUT', callClass: 'unsafe' });
  const slow = recorder.arrives(0, 'b', { method: 'PUT', callClass: 'unsafe' });
  recorder.answered(quick, 20);
  recorder.answered(slow, 95);
  expect(recorder.until(200)).toEqual(['request 2/2', 'failed', 'failed']);
});

test('what fails in truth as well is no fault of batching', () => {
  const recorder = new ShadowRecorder({ timeoutMs: 100 });
  const call = recorder.arrives(0, 'a');
  expect(recorder.until(10)).toEqual(['request 1/1']);
  recorder.shadow.realEnded(call, 100);
  expect(recorder.until(300)).not.toContain('failed');
});

test('a write that passes by, and the end, let what is held leave', () => {
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

test('a client that waits for each answer does in the shadow too: its calls never meet', () => {
  const recorder = new ShadowRecorder();
  let nowMs = 0;
  for (let i = 0; i < 30; i += 1) {
    const call = recorder.arrives(nowMs, `n${i}`);
    recorder.answered(call, nowMs + 2);
    nowMs += 3;
  }
  const requests = recorder.until(1000).filter((said) => said.startsWith('request'));
  // Until it is known for one that waits, some look like companions.
  expect(requests.slice(-15)).toEqual(new Array(15).fill('request 1/1'));
  expect(requests.length).toBeGreaterThan(20);
});

test('what came together with a call that waits comes together with it in the shadow', () => {
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

test('a caller who leaves a batch leaves the answers of the others as they are', () => {
  const recorder = new ShadowRecorder();
  const stays = recorder.arrives(0, 'a');
  const leaves = recorder.arrives(0, 'b');
  expect(recorder.until(10)).toEqual(['request 2/2']);
  recorder.shadow.callerLeft(leaves, 12);
  recorder.answered(stays, 20);
  expect(recorder.until(100)).toEqual(['answered +10']);
});
