import { expect, test } from '@jest/globals';
import { comparison, meaning, type Measured } from '../../../src/cli/demo/comparison.ts';
import type { Scene } from '../../../src/cli/demo/scenes.ts';

const scene: Scene = {
  title: 'A scene.',
  users: 1,
  devicesPerUser: 1,
  paths: ['me', 'search'],
  limit: 9,
  firstUser: 0,
};

/** Measured calls to `me` with these times; a negative time is that of a refused call. */
function measured(
  times: readonly number[],
  { requests = 10, cpuMs = 100, slowMs = [] as readonly number[] } = {},
): Measured {
  const answer = (path: string) => (ms: number) => ({
    path,
    status: ms < 0 ? 429 : 200,
    ms: Math.abs(ms),
  });
  return {
    answers: [...times.map(answer('me')), ...slowMs.map(answer('search'))],
    pool: { requests, connections: 3, cpuMs },
  };
}

test('fewer requests, less work and longer waits are in words', () => {
  const after = measured([30], { requests: 4, cpuMs: 40 });
  expect(meaning(scene, measured([20]), after)).toEqual([
    "2.5 times fewer requests; the pool's work fell by 60 % (100 ms of CPU, now 40 ms).",
    'Callers waited 10.0 ms more, in the median, because calls wait for each other.',
  ]);
});

test('a comparison that does not favor the proxy is in words, too', () => {
  const after = measured([30], { requests: 20, cpuMs: 150 });
  expect(meaning(scene, measured([40]), after)).toEqual([
    "2.0 times more requests; the pool's work rose by 50 % (100 ms of CPU, now 150 ms).",
    'Callers waited 10.0 ms less, in the median.',
  ]);
  expect(meaning(scene, measured([40]), measured([40.2], { cpuMs: 101 }))).toEqual([
    "As many requests; the pool's work stayed the same.",
    'Callers waited as long, in the median.',
  ]);
});

test('refused calls are counted, and their times do not count as waits', () => {
  const before = measured([20, 20, -1, -1, -1]);
  expect(meaning(scene, before, measured([20, 20, 20, 20, 20]))).toEqual([
    "As many requests; the pool's work stayed the same.",
    'Directly the pool refused 3 of 5 calls with 429. Through the proxy callers saw none.',
    'Callers waited as long, in the median.',
  ]);
  expect(meaning(scene, before, measured([20, -1]))[1]).toMatch(/callers saw 1\.$/);
});

test('a slow route is apart from the others', () => {
  const slow: Scene = { ...scene, slowPath: 'search' };
  const [before, after] = [measured([20], { slowMs: [400] }), measured([30], { slowMs: [410] })];
  expect(meaning(slow, before, after).slice(1)).toEqual([
    'Callers of the other routes waited 10.0 ms more, in the median, because calls wait for each other.',
    '95 % of them had their answers in 30.0 ms: they did not wait for the slow route (410.0 ms).',
  ]);
  expect(meaning(slow, before, measured([410], { slowMs: [410] }))).toHaveLength(2);
  expect(comparison(slow, before, after)).toMatch(/p50 ms of the slow route +400\.0 +410\.0\n/);
});

test('the table has a title and a row for each number', () => {
  expect(comparison(scene, measured([20, -1]), measured([30, 30]))).toBe(`A scene.

                                    direct   through the proxy
  calls                                  2                   2
  requests at the pool                  10                  10
  new connections to the pool            3                   3
  CPU ms of the pool                   100                 100
  p50 ms                              20.0                30.0
  p95 ms                              20.0                30.0
  429s that callers saw                  1                   0
  other errors                           0                   0

  As many requests; the pool's work stayed the same.
  Directly the pool refused 1 of 2 calls with 429. Through the proxy callers saw none.
  Callers waited 10.0 ms more, in the median, because calls wait for each other.
`);
});
