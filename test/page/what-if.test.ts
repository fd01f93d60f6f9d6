import { expect, test } from '@jest/globals';
import type { ShadowOptions } from '../../src/core/shadow/shadow.ts';
import type { TraceCall } from '../../src/core/shadow/trace.ts';
import { TraceBuffer } from '../../src/page/trace-buffer.ts';
import { replayInSlices, WhatIfQueue } from '../../src/page/what-if.ts';

function traced(atMs: number, n: number): TraceCall {
  return {
    ...{ atMs, user: 'a', key: 'b', callClass: 'safe', method: 'GET', route: '/me' },
    ...{ resource: n.toString(16), same: '', sizeBytes: 500, tookMs: 20, status: 200 },
  };
}

const options = (maxParts: number): ShadowOptions => ({
  policy: {
    ...{ mode: 'fixed', lingerMaxMs: 10, exchangeRateMs: 50, maxParts, maxBytes: 262_144 },
    ...{ collapse: true, timeoutMs: 30_000, maxQueuedCalls: 1000, maxQueuedCallsPerUser: 1000 },
    ...{ maxQueuedBytes: 1e7, maxQueuedBytesPerUser: 1e7, maxUsers: 100 },
  },
  ...{ maxInFlightPerUser: 4, maxConnections: 100 },
});

/** Groups of ten calls. */
const calls = Array.from({ length: 200 }, (_, n) => traced(Math.floor(n / 10) * 500, n));

test('larger batches save more requests', async () => {
  const never = { now: () => 0, rest: () => Promise.resolve(), isWanted: () => true };
  const small = await replayInSlices(calls, options(2), never);
  const large = await replayInSlices(calls, options(10), never);
  expect(small).toMatchObject({ calls: 200, requests: 100, savedShare: 0.5, spanMs: 9500 });
  expect(large).toMatchObject({ calls: 200, requests: 20, savedShare: 0.9 });
});

test('a replay rests between slices, and ends if its client has left', async () => {
  let nowMs = 0;
  let rests = 0;
  const clock = {
    now: () => (nowMs += 1),
    rest: () => {
      rests += 1;
      return Promise.resolve();
    },
  };
  await replayInSlices(calls, options(10), { ...clock, isWanted: () => true });
  expect(rests).toBeGreaterThan(1);
  expect(await replayInSlices(calls, options(10), { ...clock, isWanted: () => false })).toBe(
    undefined,
  );
});

test('replays run one after another, and few wait', async () => {
  const queue = new WhatIfQueue();
  let running = 0;
  const job = async (): Promise<number> => {
    running += 1;
    await Promise.resolve();
    running -= 1;
    return running;
  };
  const jobs = Array.from({ length: 6 }, () => queue.run(job));
  expect(jobs.filter((one) => one === undefined)).toHaveLength(2);
  for (const one of jobs.slice(0, 4)) expect(await one).toBe(0);
  expect(await queue.run(job)).toBe(0);
});

test('the calls to replay are bounded by their number and their age', () => {
  const buffer = new TraceBuffer();
  for (let n = 0; n < 50_000; n += 1) buffer.add([traced(n / 100, n)], n / 100);
  expect(buffer.size).toBeLessThanOrEqual(20_000);
  expect(buffer.calls(1_000_000)).toEqual([]);
});
