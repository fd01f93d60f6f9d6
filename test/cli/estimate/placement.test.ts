import { expect, test } from '@jest/globals';
import type { LogCall } from '../../../src/cli/access-logs/census.ts';
import { Placer } from '../../../src/cli/estimate/placement.ts';
import { seededRandom } from '../../../src/cli/estimate/sample.ts';

interface Placed {
  readonly call: LogCall;
  readonly atMs: number;
}

const aCall = (earliestMs: number, changes: Partial<LogCall> = {}): LogCall => ({
  ...{ earliestMs, latestMs: earliestMs + 1000, tookMs: 40, status: 200, user: 'a', method: 'GET' },
  ...{ callClass: 'safe', route: '/me', resource: '/me', same: '', sizeBytes: 500 },
  ...changes,
});

function place(...calls: readonly LogCall[]) {
  const placed: Record<'together' | 'scattered' | 'apart', Placed[]> = {
    ...{ together: [], scattered: [], apart: [] },
  };
  const placer = new Placer(
    {
      together: (call, atMs) => void placed.together.push({ call, atMs }),
      scattered: (call, atMs) => void placed.scattered.push({ call, atMs }),
      apart: (call, atMs) => void placed.apart.push({ call, atMs }),
    },
    seededRandom(),
  );
  for (const call of calls) placer.add(call);
  placer.end();
  return { ...placed, fewestRequests: (maxParts: number) => placer.fewestRequests(maxParts) };
}

const gapsOf = (placed: readonly Placed[]): number[] =>
  placed.slice(1).map(({ atMs }, index) => atMs - placed[index]!.atMs);

test('calls of one second are placed at one instant, and as far apart as that second allows', () => {
  const { together, apart, fewestRequests } = place(aCall(0), aCall(0), aCall(0), aCall(0));
  expect(Math.max(...gapsOf(together))).toBeLessThanOrEqual(2);
  expect(Math.min(...gapsOf(apart))).toBeGreaterThan(333);
  expect(Math.min(...gapsOf(apart))).toBeLessThanOrEqual(1000 / 3);
  expect([fewestRequests(20), fewestRequests(3)]).toEqual([1, 2]);
});

test('a call follows calls that may still have been there, and other calls form the next group', () => {
  const { together } = place(aCall(0), aCall(700), aCall(1001), aCall(1020));
  const times = together.map(({ atMs }) => atMs);
  expect(times[2]! - times[0]!).toBeLessThanOrEqual(2);
  expect(times[3]).toBeGreaterThanOrEqual(1020);
});

test('each call stays within its bounds, in order of time, whatever the placement is', () => {
  const random = seededRandom();
  let atMs = 0;
  const calls = Array.from({ length: 2000 }, () => {
    atMs += Math.floor(random() ** 4 * 3000);
    const latestMs = atMs + (random() < 0.2 ? 2 : 1000);
    return aCall(atMs, { latestMs, user: random() < 0.5 ? 'a' : 'b' });
  });
  const { together, scattered, apart } = place(...calls);
  for (const placed of [together, scattered, apart]) {
    expect(new Set(placed.map(({ call }) => call))).toEqual(new Set(calls));
    expect(placed.filter((one) => one.atMs < one.call.earliestMs)).toEqual([]);
    expect(placed.filter((one) => one.atMs >= one.call.latestMs)).toEqual([]);
    expect(gapsOf(placed).filter((gap) => gap < 0)).toEqual([]);
  }
});

test('identical GETs share a part of the fewest requests', () => {
  const same = { same: '/me' };
  expect(place(aCall(0, same), aCall(0, same), aCall(0)).fewestRequests(1)).toBe(2);
});

test('users do not affect each other', () => {
  const alone = place(aCall(0), aCall(0));
  const beside = place(aCall(0), aCall(0, { user: 'b' }), aCall(0), aCall(5, { user: 'b' }));
  const ofFirst = ({ apart }: { readonly apart: readonly Placed[] }): number[] =>
    apart.filter(({ call }) => call.user === 'a').map(({ atMs }) => atMs);
  expect(ofFirst(beside)).toEqual(ofFirst(alone));
});
