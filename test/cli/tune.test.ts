import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { runCommandLine } from '../../src/cli/run-command-line.ts';
import { tune } from '../../src/cli/tune.ts';
import { traceHeader, traceLine } from '../../src/core/shadow/trace.ts';
import { onCleanup } from '../support/cleanup.ts';
import { iisLog, trueCalls } from '../support/made-logs.ts';
import { captureIo, only } from './captured-io.ts';

async function run(argv: readonly string[], files: Record<string, string>) {
  const io = captureIo({ files });
  const code = await runCommandLine(only(tune), ['tune', ...argv], io);
  return { code, ...io.written };
}

const lineOf = (atMs: number, user: number): string =>
  traceLine({
    ...{ atMs, user: `a${user}`, key: 'b', resource: `c${user}`, same: '', sizeBytes: 400 },
    ...{ callClass: 'safe', method: 'GET', route: '/me/note', tookMs: 30, status: 200 },
  });

/** Four users. Each user sends a burst of five calls within 4 ms every second. A call takes 30 ms. */
const lines = Array.from({ length: 4 * 5 * 30 }, (_, i) => {
  const user = i % 4;
  const nth = Math.floor(i / 4);
  return lineOf(Math.floor(nth / 5) * 1000 + (nth % 5) + user * 100, user);
});
const shape = { users: 4, burst: 3, spreadMs: 5, pauseMs: 1500, tookMs: 40, writes: false };
const trace = [traceHeader, ...lines, ''].join('\n');

interface Row {
  readonly mode: string;
  readonly lingerMaxMs: number;
  readonly maxParts: number;
  readonly isGiven: boolean;
  readonly calls: number;
  readonly requests: number;
  readonly savedShare: number;
  readonly waitMs: { readonly mean: number; readonly p50: number; readonly p95: number };
  readonly meanParts: number;
}

async function rowsOf(argv: readonly string[], files: Record<string, string>): Promise<Row[]> {
  const { code, stdout, stderr } = await run([...argv, '--json'], files);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Row[];
}

describe('a recording', () => {
  test('is replayed under other settings, with the savings and the additional wait of each', async () => {
    const rows = await rowsOf(['trace.csv'], { 'trace.csv': trace });
    expect(rows.map(({ calls }) => calls)).toEqual(rows.map(() => 600));
    const of = (mode: string, lingerMaxMs: number, maxParts = 20) =>
      rows.find(
        (row) => row.mode === mode && row.lingerMaxMs === lingerMaxMs && row.maxParts === maxParts,
      )!;
    expect(of('off', 0)).toMatchObject({
      requests: 600,
      savedShare: 0,
      waitMs: { mean: 0, p95: 0 },
    });
    // A window of 10 ms holds a whole burst. A window of 2 ms splits five calls into three and two.
    expect(of('fixed', 10)).toMatchObject({ requests: 120, meanParts: 5 });
    // The mean is 8 ms until the end of the window, plus the delay of the timer.
    expect(of('fixed', 10).waitMs.mean).toBeCloseTo(8.2, 6);
    expect(of('fixed', 2)).toMatchObject({ requests: 240, meanParts: 2.5 });
    expect(of('adaptive', 15).savedShare).toBeGreaterThan(0.5);
    expect(of('adaptive', 15).waitMs.mean).toBeLessThan(of('fixed', 20).waitMs.mean);
    expect(rows.filter(({ isGiven }) => isGiven)).toEqual([of('adaptive', 15)]);
  });

  test('is replayed with variations of the settings in a file', async () => {
    const files = {
      'trace.csv': trace,
      'proxy.yaml': 'batching: { lingerMaxMs: 7, maxParts: 3 }\n',
    };
    const rows = await rowsOf(['trace.csv', '--config', 'proxy.yaml'], files);
    expect(rows.filter(({ isGiven }) => isGiven)).toMatchObject([
      { mode: 'adaptive', lingerMaxMs: 7, maxParts: 3 },
    ]);
    expect(rows.find(({ mode }) => mode === 'fixed')).toMatchObject({ maxParts: 3 });
  });

  test('is replayed with the times of the recording, also for users who are idle for long', async () => {
    const hour = 3_600_000;
    const calls = [0, 1, 2, 3, 4, 5].flatMap((nth) => [
      ...lines.map((_, i) => lineOf(nth * hour + Math.floor(i / 5) * 1000 + (i % 5), 0)),
      ...[0, 1, 2, 3, 4].map((i) => lineOf(nth * hour + 1_000_000 + i * 2000, 1)),
    ]);
    const meanWaitWith = async (userIdleMs: number): Promise<number> => {
      const files = {
        'trace.csv': [traceHeader, ...calls, ''].join('\n'),
        'proxy.yaml': `limits: { userIdleMs: ${userIdleMs} }\n`,
      };
      const rows = await rowsOf(['trace.csv', '--config', 'proxy.yaml'], files);
      return rows.find(({ isGiven }) => isGiven)!.waitMs.mean;
    };
    // The proxy holds calls of a forgotten user again, to learn that no companions come.
    expect(await meanWaitWith(60_000)).toBeGreaterThan(await meanWaitWith(12 * hour));
  });

  test('is shown as a table and a plot, which mark the loaded settings', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tune-'));
    onCleanup(() => rmSync(folder, { recursive: true }));
    const svg = join(folder, 'curve.svg');
    const { code, stdout } = await run(['trace.csv', '--svg', svg], { 'trace.csv': trace });
    expect(code).toBe(0);
    expect(stdout).toContain('600 calls of 4 users in 29.3 s\n');
    expect(stdout).toMatch(/^ {2}off +600 +0\.0 %/m);
    expect(stdout).toMatch(/^\* adaptive +15 ms +20 /m);
    expect(stdout).toMatch(/\|.*\*/);
    expect(readFileSync(svg, 'utf8')).toMatch(
      /^<svg [^]*<title>adaptive 15 ms, 20 parts<\/title>[^]*<\/svg>\n$/,
    );
  });

  test.each([
    ['a recording', trace],
    ['a log', iisLog(trueCalls(shape, 10_000, 'plot'))],
  ])('is shown even if the plot cannot be written: %s', async (_what, text) => {
    const files = { file: text };
    for (const [argv, shown] of [
      [[], /^\* adaptive +15 ms +20 [^]*\nRecommended: /m],
      [['--json'], /"lingerMaxMs": 15,[^]*\]/],
    ] as const) {
      expect(await run(['file', '--svg', '/dev/null/curve.svg', ...argv], files)).toEqual({
        code: 1,
        stdout: expect.stringMatching(shown),
        stderr: expect.stringContaining('/dev/null/curve.svg'),
      });
    }
  });

  test('with an incomplete last line is used up to that line', async () => {
    const rows = await rowsOf(['trace.csv'], { 'trace.csv': `${trace}12.3,a1,b,sa` });
    expect(rows[0]!.calls).toBe(600);
  });
});

test.each([
  ['does not exist', {}, 'trace.csv: cannot be read: no such file\n'],
  [
    'is empty',
    { 'trace.csv': '' },
    'trace.csv: expected a recording or an access log, found nothing\n',
  ],
  ['has no calls', { 'trace.csv': `${traceHeader}\n` }, 'trace.csv: expected calls, found none\n'],
  [
    'is something else',
    { 'trace.csv': 'time,who\n1,2\n' },
    'trace.csv: expected a recording, or an access log of IIS, nginx, HAProxy or Envoy with durations, found other text\n',
  ],
  [
    'has invalid lines',
    {
      'trace.csv': `${traceHeader}\nsoon${lines[0]!.slice(4)}\n${lines[1]!},7\n${lines[2]!}\n1,a,b\n\n`,
    },
    `trace.csv:2:1: at_ms: expected milliseconds, found other text
trace.csv:3:${lines[1]!.length + 2}: expected the end of the line
trace.csv:5:6: class: expected safe, unsafe or operation, found the end of the line
`,
  ],
])('a recording that %s is reported, with exit code 2', async (_what, files, stderr) => {
  expect(await run(['trace.csv'], files)).toEqual({ code: 2, stdout: '', stderr });
});
