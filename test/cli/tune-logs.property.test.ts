/** Estimates from access logs hold the truth between their bounds, and are near it if the log is exact. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { runCommandLine } from '../../src/cli/run-command-line.ts';
import { tune } from '../../src/cli/tune.ts';
import * as logs from '../support/made-logs.ts';
import { captureIo, only } from './captured-io.ts';

/** `TUNE_RUNS=100 npm test -- test/cli/tune-logs.property` tries 100 new cases of each format. */
const runs = process.env['TUNE_RUNS'];

interface Range {
  readonly low: number;
  readonly high: number;
}

interface Row<T> {
  readonly mode: string;
  readonly lingerMaxMs: number;
  readonly maxParts: number;
  readonly isGiven: boolean;
  readonly calls: number;
  readonly requests: T;
  readonly savedShare: T;
  readonly waitMs: { readonly mean: T; readonly p50: T; readonly p95: T };
}

async function tuned(text: string): Promise<unknown> {
  const io = captureIo({ files: { file: text } });
  const code = await runCommandLine(only(tune), ['tune', 'file', '--json'], io);
  expect({ code, stderr: io.written.stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(io.written.stdout);
}

const truthOf = async (calls: readonly logs.TrueRequest[]) =>
  (await tuned(logs.recordingOf(calls))) as Array<Row<number>>;

const estimateOf = async (log: string) => ((await tuned(log)) as { rows: Array<Row<Range>> }).rows;

/** Compares all rows. Returns the true values that are outside of their bounds. */
function outside(truth: ReadonlyArray<Row<number>>, rows: ReadonlyArray<Row<Range>>): string[] {
  expect(rows.map(({ calls }) => calls)).toEqual(truth.map(({ calls }) => calls));
  return truth.flatMap((row, index) => {
    const bounds = rows[index]!;
    // Mode off is the comparison, and has no bounds.
    if (row.mode === 'off') return [];
    const pairs = {
      saved: [row.savedShare, bounds.savedShare],
      requests: [row.requests, bounds.requests],
      mean: [row.waitMs.mean, bounds.waitMs.mean],
      p50: [row.waitMs.p50, bounds.waitMs.p50],
      p95: [row.waitMs.p95, bounds.waitMs.p95],
    } as const;
    return Object.entries(pairs).flatMap(([name, [value, { low, high }]]) =>
      value >= low - 1e-9 && value <= high + 1e-9
        ? []
        : [
            `${row.mode} ${row.lingerMaxMs} ${row.maxParts}: ${name} ${value} not ${low} to ${high}`,
          ],
    );
  });
}

const given = <T>(rows: ReadonlyArray<Row<T>>): Row<T> => rows.find(({ isGiven }) => isGiven)!;

const shapes: fc.Arbitrary<logs.Shape> = fc.record({
  users: fc.constantFrom(2, 6),
  burst: fc.constantFrom(1, 3, 6),
  spreadMs: fc.constantFrom(0, 8, 60, 600),
  pauseMs: fc.constantFrom(300, 1500, 4000),
  tookMs: fc.constantFrom(8, 40, 700),
  writes: fc.boolean(),
});

const formats = {
  iis: logs.iisLog,
  nginx: logs.nginxLog,
  haproxy: logs.haproxyLog,
  envoy: logs.envoyLog,
};

test.each(['iis', 'nginx', 'haproxy', 'envoy'] as const)(
  'the truth is between the bounds from a log of %s, whatever the traffic is',
  async (format) => {
    await fc.assert(
      fc.asyncProperty(shapes, fc.nat(1e6), async (shape, seed) => {
        const calls = logs.trueCalls(shape, 20_000, String(seed)).slice(0, 80);
        fc.pre(calls.length > 0);
        const rows = await estimateOf(formats[format](calls));
        expect(outside(await truthOf(calls), rows)).toEqual([]);
      }),
      runs === undefined ? { numRuns: 6, seed: 22 } : { numRuns: Number(runs) },
    );
  },
  600_000,
);

const bursts = { users: 8, burst: 4, spreadMs: 8, pauseMs: 2000, tookMs: 40, writes: false };

test('a log with times in milliseconds gives narrow bounds', async () => {
  const calls = logs.trueCalls(bursts, 30_000, 'narrow').slice(0, 500);
  for (const log of [logs.haproxyLog, logs.envoyLog]) {
    const { savedShare } = given(await estimateOf(log(calls)));
    expect(savedShare.high - savedShare.low).toBeLessThan(0.15);
    expect(savedShare.low).toBeGreaterThan(0.45);
  }
}, 30_000);

test('both bounds of a log in seconds are reached: by calls at one instant, and by calls far apart', async () => {
  const instants = logs.trueCalls({ ...bursts, spreadMs: 0, pauseMs: 8000 }, 60_000, 'one');
  const together = given(await estimateOf(logs.iisLog(instants))).savedShare.high;
  expect(together - given(await truthOf(instants)).savedShare).toBeLessThan(0.15);
  const lone = logs.trueCalls({ ...bursts, burst: 1, pauseMs: 4000 }, 60_000, 'two');
  const apart = given(await estimateOf(logs.iisLog(lone))).savedShare.low;
  expect(given(await truthOf(lone)).savedShare - apart).toBeLessThan(0.08);
}, 30_000);
