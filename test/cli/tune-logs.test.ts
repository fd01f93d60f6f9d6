/** `tune` with access logs. */
import { gzipSync } from 'node:zlib';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { runCommandLine } from '../../src/cli/run-command-line.ts';
import { tune } from '../../src/cli/tune.ts';
import { onCleanup } from '../support/cleanup.ts';
import {
  haproxyLog,
  iisLog,
  recordingOf,
  startMs,
  trueCalls,
  type TrueRequest,
} from '../support/made-logs.ts';
import { captureIo, only } from './captured-io.ts';

type Files = Record<string, string | Uint8Array>;

async function run(files: Files, ...argv: readonly string[]) {
  const io = captureIo({ files });
  const code = await runCommandLine(only(tune), ['tune', ...argv], io);
  return { code, ...io.written };
}

interface Result {
  readonly formats: readonly string[];
  readonly files: number;
  readonly lines: number;
  readonly unreadableLines: number;
  readonly disorderedCalls: number;
  readonly replayedShare: number;
  readonly applications: number;
  readonly requests: number;
  readonly requestsByKind: Readonly<Record<string, number>>;
  readonly clientErrors: number;
  readonly serverErrors: number;
  readonly busiestMinute: { readonly from: string; readonly requests: number };
  readonly recommendation: string;
  readonly rows: ReadonlyArray<{
    readonly savedShare: { readonly low: number; readonly high: number };
  }>;
}

async function resultOf(files: Files, ...argv: readonly string[]): Promise<Result> {
  const paths = Object.keys(files);
  const { code, stdout, stderr } = await run(files, ...paths, '--json', ...argv);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Result;
}

const shape = { users: 4, burst: 3, spreadMs: 5, pauseMs: 1500, tookMs: 40, writes: true };
const calls = trueCalls(shape, 15_000, 'logs');
const whole = iisLog(calls);

const request = (path: string, changes: Partial<TrueRequest> = {}): TrueRequest => ({
  ...{ atMs: startMs + 2000, tookMs: 30, application: '104', method: 'GET', path, status: 200 },
  ...changes,
});

test('requests are told apart and counted', async () => {
  const text = iisLog([
    request('me'),
    request('people/ann@example.com/presence', { status: 404 }),
    request('me/note', { status: 401 }),
    request('me/note', { status: 429 }),
    request('me/note', { status: 503 }),
    request('me', { tookMs: 31_000 }),
    request('events?ack=1', { tookMs: 175_000 }),
    request('photos/ann@example.com'),
    request('batch', { method: 'POST' }),
    request('me', { method: 'OPTIONS' }),
    request('../../../../../autodiscover/autodiscoverservice.svc/root'),
  ])
    .replace('/ucwa/oauth/v1/applications/104/../../../../../', '/')
    .concat(iisLog([request('X')]).replace('/104/X', ''));
  const result = await resultOf({ log: text });
  expect(result.requestsByKind).toEqual({
    ...{ calls: 3, polls: 1, photos: 1, batches: 1, signIn: 1, refused: 1, slow: 1 },
    ...{ unbatched: 1, outside: 1, otherSites: 1 },
  });
  expect(result).toMatchObject({ lines: 12, requests: 11, applications: 1 });
  expect(result).toMatchObject({ clientErrors: 3, serverErrors: 1, unreadableLines: 0 });
});

test('several servers, days and gzip give what one file gives', async () => {
  const expected = await resultOf({ log: whole });
  const half = calls.length >> 1;
  const days = { second: iisLog(calls.slice(half)), first: gzipSync(iisLog(calls.slice(0, half))) };
  const servers = {
    fe1: gzipSync(iisLog(calls.filter(({ application }) => application.endsWith('1')))),
    fe2: iisLog(calls.filter(({ application }) => !application.endsWith('1'))),
  };
  for (const files of [days, servers]) {
    const result = await resultOf(files);
    expect(result.files).toBe(2);
    expect(result.requestsByKind).toEqual(expected.requestsByKind);
    expect(result.busiestMinute.requests).toBe(expected.busiestMinute.requests);
    result.rows.forEach(({ savedShare }, index) => {
      expect(savedShare.high).toBeCloseTo(expected.rows[index]!.savedShare.high, 1);
    });
  }
});

test('fields of IIS may have any order, and may change in mid-file', async () => {
  const half = calls.length >> 1;
  const other =
    'cs(User-Agent) time-taken sc-status date cs-uri-query cs-uri-stem time cs-method cs-bytes';
  const text = iisLog(calls.slice(0, half)) + iisLog(calls.slice(half), other);
  const [expected, result] = [await resultOf({ log: whole }), await resultOf({ log: text })];
  expect(result).toEqual({ ...expected, rows: expect.anything(), recommended: expect.anything() });
  const noDate = 'time cs-method cs-uri-stem sc-status time-taken';
  expect(await resultOf({ log: iisLog(calls, noDate) })).toMatchObject({ unreadableLines: 0 });
});

test('lines that cannot be read and calls that come too late are counted', async () => {
  const [late] = calls;
  const text = `${whole}${iisLog([request('me', { atMs: startMs + 200_000 })])}a line\r\n${iisLog([late!])}`;
  const result = await resultOf({ log: text });
  expect(result).toMatchObject({ unreadableLines: 1, disorderedCalls: 1 });
});

test('a sample of applications is replayed if the log has more calls', async () => {
  const many = iisLog(trueCalls({ ...shape, users: 60, burst: 1 }, 5000, 'many'));
  const result = await resultOf({ log: many }, '--max-calls', '100');
  expect(result.replayedShare).toBeLessThan(1);
  const { savedShare } = result.rows.at(-1)!;
  expect(savedShare.high).toBeGreaterThan(
    (await resultOf({ log: many })).rows.at(-1)!.savedShare.high,
  );
  const { stdout } = await run({ log: many }, 'log', '--max-calls', '100');
  expect(stdout).toMatch(
    /^the results are those of a sample of applications with .* % of the calls$/m,
  );
});

test('a sample has at least one application', async () => {
  const one = iisLog(trueCalls({ ...shape, users: 1 }, 15_000, 'one'));
  expect(await resultOf({ log: one }, '--max-calls', '1')).toMatchObject({ replayedShare: 1 });
});

test('a table, a plot, the busiest minute and a recommendation are shown, without a secret', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tune-'));
  onCleanup(() => rmSync(folder, { recursive: true }));
  const svg = join(folder, 'curve.svg');
  const secret = iisLog([...calls, request('people/canary@example.com/note?token=canary')]);
  const { code, stdout, stderr } = await run({ log: secret }, 'log', '--svg', svg);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(
    /^[\d,]+ lines of 1 file \(IIS\), 2026-11-30 08:59:5\d to .*, 5 applications$/m,
  );
  expect(stdout).toMatch(/^\* adaptive +15 ms +20 +-?\d+\.\d % to \d+\.\d %/m);
  expect(stdout).toMatch(/^Busiest minute: 2026-11-30 0\d:\d\d:00, with \d+ UCWA requests/m);
  expect(stdout).toMatch(
    /^Recommended: batching.mode adaptive, lingerMaxMs 15, maxParts 20\. It saves .* of the \d+ calls/m,
  );
  expect(readFileSync(svg, 'utf8')).toMatch(/<title>adaptive 15 ms, 20 parts, best case<\/title>/);
  const { stdout: json } = await run({ log: secret }, 'log', '--json');
  for (const text of [stdout, json, readFileSync(svg, 'utf8')]) {
    expect(text).not.toMatch(/canary|CONTOSO|192\.0\.2\.17|1000000/i);
  }
});

test.each([
  [
    'a log without UCWA',
    iisLog([]) + '2026-11-30 09:00:00 - GET / - - - - - - 200 0 0 1\r\n',
    [],
    /UCWA/,
  ],
  ['an unknown format', whole, ['--format', 'apache'], /^--format: expected iis, nginx/],
  ['another format than the forced one', whole, ['--format', 'envoy'], /UCWA requests, found none/],
  ['an invalid sample', whole, ['--max-calls', 'x'], /^--max-calls: expected a whole number/],
  [
    'missing fields',
    iisLog(calls, 'date time cs-method cs-uri-stem sc-status'),
    [],
    /^log: #Fields: expected .*, found no time-taken$/m,
  ],
  ['a damaged gzip file', gzipSync(whole).subarray(0, 60), [], /^log: cannot be read: /],
])('%s is reported, with exit code 2', async (_what, log, argv, stderr) => {
  expect(await run({ log }, 'log', ...argv)).toEqual({
    ...{ code: 2, stdout: '' },
    stderr: expect.stringMatching(stderr),
  });
});

test('a recording is read alone', async () => {
  expect(await run({ log: whole, trace: recordingOf(calls) }, 'log', 'trace')).toEqual({
    ...{ code: 2, stdout: '' },
    stderr: 'expected one recording, or access logs only, found both\n',
  });
});

test('the format can be forced', async () => {
  const { formats } = await resultOf({ log: haproxyLog(calls) }, '--format', 'haproxy');
  expect(formats).toEqual(['HAProxy']);
});
