import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const short = ['--rounds', '2', '--round-ms', '40'];

let folder = '';
let running: ChildProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bench-'));
});

afterEach(async () => {
  running?.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

function start(args: readonly string[]) {
  const child = spawn(process.execPath, [pathOf('run.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running = child;
  // `close` comes when nobody holds the other ends of its pipes: when its children are gone as well.
  return { child, stderr: child.stderr, closed: once(child, 'close') };
}

/** How it ended, and what it complained of. */
async function run(args: readonly string[]): Promise<{ code: unknown; stderr: string }> {
  const { child, stderr, closed } = start(args);
  child.stdout.resume();
  const complaints = await text(stderr);
  const [code] = (await closed) as unknown[];
  return { code, stderr: complaints };
}

describe('the benchmark', () => {
  test('counts one upstream request per call of a proxy that does not batch', async () => {
    const json = join(folder, 'result.json');
    expect(await run(['--peer', 'http-proxy', ...short, '--json', json])).toEqual({
      code: 0,
      stderr: '',
    });
    const { measured } = JSON.parse(await readFile(json, 'utf8')) as {
      measured: Array<{ peers: Array<{ rounds: Array<Record<string, number>> }> }>;
    };
    const rounds = measured[0]?.peers[0]?.rounds ?? [];
    expect(rounds.map((round) => round['upstreamRequestsPerCall'])).toEqual([1, 1]);
    expect(Math.min(...rounds.map((round) => round['calls'] ?? 0))).toBeGreaterThanOrEqual(200);
    expect(Math.min(...rounds.map((round) => round['cpuMicrosPerCall'] ?? 0))).toBeGreaterThan(0);
  });

  test('fails when a caller gets the answer to another call', async () => {
    const { code, stderr } = await run(['--peer', pathOf('fixtures/swaps-answers.js'), ...short]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/the benchmark failed: load generator: \S+ got a wrong body/);
  });

  test('takes its processes with it when it is interrupted', async () => {
    const { child, stderr, closed } = start(['--peer', pathOf('fixtures/never-answers.js')]);
    child.stdout.resume();
    expect(String(await once(stderr, 'data'))).toContain('a call has come');
    child.kill('SIGINT');
    expect(await closed).toEqual([130, null]);
  });

  test('says what is wrong with its arguments', async () => {
    const { code, stderr } = await run(['--peer', 'nobody']);
    expect(code).toBe(2);
    expect(stderr).toContain('no peer is named nobody');
  });
});

describe('statistics', () => {
  interface Statistics {
    percentile(ascending: readonly number[], share: number): number;
    spread(values: readonly number[]): { median: number; min: number; max: number };
    ratios(ours: readonly number[], theirs: readonly number[]): number[];
  }
  let statistics: Statistics;
  beforeEach(async () => {
    statistics = (await import(pathOf('measure/statistics.js'))) as Statistics;
  });

  test('a percentile is the smallest value that so many do not exceed', () => {
    const oneToHundred = Array.from({ length: 100 }, (_, index) => index + 1);
    const shares = [0, 0.5, 0.95, 0.99, 1];
    expect(shares.map((share) => statistics.percentile(oneToHundred, share))).toEqual([
      1, 50, 95, 99, 100,
    ]);
    expect(statistics.percentile([7], 0.99)).toBe(7);
    expect(statistics.percentile([], 0.5)).toBeNaN();
  });

  test('a spread has the middle value, or the mean of the two in the middle', () => {
    expect(statistics.spread([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(statistics.spread([10, 4, 1, 2])).toEqual({ median: 3, min: 1, max: 10 });
    expect(statistics.spread([5])).toEqual({ median: 5, min: 5, max: 5 });
  });

  test('ratios pair the rounds in their order', () => {
    expect(statistics.ratios([1, 9], [2, 3])).toEqual([0.5, 3]);
    expect(() => statistics.ratios([1], [1, 2])).toThrow('1 rounds cannot be paired with 2');
  });
});
