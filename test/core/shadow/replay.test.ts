import { expect, test } from '@jest/globals';
import type { Policy } from '../../../src/core/schedule/policy.ts';
import { Replay, replay, replayable } from '../../../src/core/shadow/replay.ts';
import { reportToBoth, ShadowTally } from '../../../src/core/shadow/tally.ts';
import type { TraceCall } from '../../../src/core/shadow/trace.ts';
import { defaults } from '../../support/limited-pool.ts';

const aCall = (atMs: number, changes: Partial<TraceCall> = {}): TraceCall => ({
  atMs,
  user: 'a',
  key: 'b',
  callClass: 'safe',
  method: 'GET',
  route: '/me/note',
  resource: 'c',
  same: '',
  sizeBytes: 400,
  tookMs: 30,
  status: 200,
  ...changes,
});

function played(trace: readonly TraceCall[], changes: Partial<Policy> = {}): ShadowTally {
  const policy = { ...defaults, mode: 'fixed' as const, lingerMaxMs: 10, ...changes };
  const memory = { size: 0, take: () => undefined, keep: () => undefined };
  const options = { policy, maxInFlightPerUser: 4, maxConnections: 128 };
  return replay(replayable(trace), options, memory, () => 0.5);
}

test('calls within one window share a batch, and each waits for its slowest part', () => {
  const tally = played([aCall(0), aCall(4, { tookMs: 50 }), aCall(100)]);
  expect(tally).toMatchObject({ calls: 3, requests: 2, batches: 1, parts: 2, answers: 3 });
  expect(tally.savedShare).toBeCloseTo(1 / 3, 6);
  expect(tally.meanParts).toBe(2);
  // 30, 6 and 10 ms, and 0.2 ms for the delay of the timer.
  expect(tally.meanAddedMs).toBeCloseTo(46 / 3 + 0.2, 6);
  expect(tally.addedMs(0.5)).toBeCloseTo(10.2, 0);
  expect(tally.addedMs(1)).toBeCloseTo(30.2, 0);
});

test('calls of different users or keys share no batch', () => {
  const calls = [aCall(0), aCall(1, { user: 'd' }), aCall(2, { key: 'e' })];
  expect(played(calls)).toMatchObject({ calls: 3, requests: 3 });
});

test('two writes to one resource do not share a batch, and identical GETs share a part', () => {
  const write = { callClass: 'unsafe', method: 'PUT' } as const;
  expect(played([aCall(0, write), aCall(1, write)])).toMatchObject({ requests: 2 });
  const others = [aCall(0, write), aCall(1, { ...write, resource: 'f' })];
  expect(played(others)).toMatchObject({ requests: 1, parts: 2 });
  const duplicates = [aCall(0, { same: 'f' }), aCall(1, { same: 'f' })];
  expect(played(duplicates)).toMatchObject({ calls: 2, requests: 1, batches: 0 });
});

test('a call costs nothing if its caller left before the call would have been sent', () => {
  expect(played([aCall(0), aCall(1, { status: 0, tookMs: 2 })])).toMatchObject({
    calls: 1,
    requests: 1,
    answers: 1,
  });
});

test('without batching, no requests are saved and no latency is added', () => {
  const tally = played([aCall(0), aCall(1), aCall(2)], { mode: 'off' });
  expect(tally).toMatchObject({ savedShare: 0, meanAddedMs: 0, meanParts: 0, answers: 3 });
  expect(tally.addedMs(0.95)).toBe(0);
});

test('a replay takes calls one by one, and also tells a report', () => {
  const report = new ShadowTally();
  const policy = { ...defaults, mode: 'fixed' as const, lingerMaxMs: 10 };
  const memory = { size: 0, take: () => undefined, keep: () => undefined };
  const options = { policy, maxInFlightPerUser: 4, maxConnections: 128 };
  const one = new Replay(options, memory, () => 0.5, report);
  for (const call of replayable([aCall(0), aCall(4), aCall(100)])) one.arrives(call);
  expect(one.end()).toMatchObject({ calls: 3, requests: 2, batches: 1 });
  expect(report).toMatchObject({ calls: 3, requests: 2, answers: 3 });
});

test('the summary is a sentence', () => {
  expect(played([]).summary).toBe('no call came that could have been batched');
  expect(played([aCall(0), aCall(4)]).summary).toBe(
    'would have saved 50.0 % of requests (1 in the place of 2); callers would have waited ' +
      '6.2 ms more at the median, 10.2 ms at the 95th percentile, 8.2 ms on average',
  );
});

test('reportToBoth forwards all results to both reports', () => {
  const [one, other] = [new ShadowTally(), new ShadowTally()];
  const both = reportToBoth(one, other);
  both.requestSent(2, 2);
  both.answered(40_000_000);
  both.refused();
  both.failed();
  expect(one).toEqual(other);
  expect(one).toMatchObject({ calls: 2, requests: 1, answers: 1, refusals: 1, failures: 1 });
  expect(new ShadowTally()).toMatchObject({ savedShare: 0, meanAddedMs: 0 });
});
