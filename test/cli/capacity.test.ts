import { expect, test } from '@jest/globals';
import { capacity } from '../../src/cli/capacity.ts';
import { runCommandLine } from '../../src/cli/run-command-line.ts';
import { haproxyLog, recordingOf, trueCalls } from '../support/made-logs.ts';
import { captureIo, only } from './captured-io.ts';

/** One sample a row: requests in processing, CPU of the worker process in percent of one core. */
function perfmon(rows: ReadonlyArray<readonly [number, number]>): string {
  const head = [
    '(PDH-CSV 4.0)',
    '\\\\FE1\\LS:WEB - Throttling and Authentication(*)\\WEB - Total Requests in Processing',
    '\\\\FE1\\Process(w3wp#1)\\% Processor Time',
    '\\\\FE1\\ASP.NET\\Requests Queued',
  ];
  return [head, ...rows.map((row) => ['11/30/2026 09:00:00', ...row.map(String), '0'])]
    .map((row) => row.map((cell) => `"${cell}"`).join(','))
    .join('\r\n');
}

const shape = { users: 8, burst: 4, spreadMs: 5, pauseMs: 1500, tookMs: 40, writes: false };
const calls = trueCalls(shape, 10_000, 'capacity');
const polls = calls.slice(0, 40).map((call) => ({
  ...call,
  ...{ method: 'GET', path: 'events?ack=1&timeout=60', tookMs: 20_000 },
}));
const files = {
  'before.csv': perfmon([
    [4000, 20],
    [5000, 20],
  ]),
  'after.csv': perfmon([[2500, 12]]),
  'edge.log': haproxyLog(calls),
  'polls.log': haproxyLog([...calls, ...polls]),
  'trace.csv': recordingOf(calls),
};

async function run(...argv: readonly string[]) {
  const io = captureIo({ files });
  const code = await runCommandLine(only(capacity), ['capacity', ...argv], io);
  return { code, ...io.written };
}

const before = ['--perfmon', 'before.csv', '--cores', '2'];

test('the load is shown before, predicted and measured, with the limits and the assumptions', async () => {
  const { code, stdout, stderr } = await run(
    ...before,
    '--after',
    'after.csv',
    '--log',
    'edge.log',
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^ +before +predicted +measured +limit$/m);
  expect(stdout).toMatch(
    /^Total Requests in Processing, p95 +5,000 +[\d,]+ to [\d,]+ +2,500 +10,000$/m,
  );
  expect(stdout).toMatch(/^UCWA CPU, mean +10\.0 % +\d\.\d % to 10\.\d % +6\.0 % +15 %$/m);
  expect(stdout).toMatch(/^Requests Queued, p95 +0 +- +0 +0$/m);
  expect(stdout).toMatch(/^Total Throttled Applications, growth +- +- +- +0$/m);
  // 15 / 10 and 15 / 6 of eight users.
  expect(stdout).toMatch(/^further users +4 +\d+ to \d+ +12$/m);
  expect(stdout).toContain('Users now: 8.\nAssumptions:\n- A batch is in processing');
});

test('further users follow from the first limit, in proportion to the users', async () => {
  const { stdout } = await run(
    '--perfmon',
    'before.csv',
    '--cores',
    '4',
    '--users',
    '1000',
    '--json',
  );
  // 10,000 / 5,000 comes before 15 / 5.
  expect(JSON.parse(stdout)).toMatchObject({
    users: 1000,
    before: { processing: 5000, cpuPercent: 5, furtherUsers: 1000 },
    assumptions: expect.arrayContaining([expect.stringContaining('in proportion to the users')]),
  });
});

test('an overloaded front end carries fewer users', async () => {
  const { stdout } = await run('--perfmon', 'before.csv', '--users', '1000', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ before: { cpuPercent: 20, furtherUsers: -250 } });
});

test('the prediction saves between nothing and the share of the calls', async () => {
  const { stdout } = await run(...before, '--log', 'edge.log', '--json');
  const { predicted } = JSON.parse(stdout) as {
    predicted: Record<string, { low: number; high: number }>;
  };
  expect(predicted['processing']!.low).toBeGreaterThan(5000 * 0.2);
  expect(predicted['processing']!.high).toBeLessThan(5000 * 0.7);
  expect(predicted['cpuPercent']!.high).toBe(10);
  expect(predicted['furtherUsers']!.low).toBe(4);
});

test('polls stay in processing, and have no part in the CPU', async () => {
  const predictedFrom = async (log: string) => {
    const { stdout } = await run(...before, '--log', log, '--json');
    return (JSON.parse(stdout) as { predicted: Record<string, { low: number; high: number }> })
      .predicted;
  };
  const [withPolls, without] = [await predictedFrom('polls.log'), await predictedFrom('edge.log')];
  // The calls have less than one percent of the time in processing.
  expect(withPolls['processing']!.low).toBeGreaterThan(5000 * 0.98);
  expect(withPolls['processing']!.low).toBeLessThan(5000);
  expect(withPolls['cpuPercent']).toEqual(without['cpuPercent']);
});

test('without a log or users, the report names the missing flags', async () => {
  const { stdout } = await run(...before);
  expect(stdout).toContain(
    '--users or --log gives the number of users.\n--log gives the prediction.',
  );
  expect(stdout).toMatch(/^further users +- +- +-$/m);
});

test.each([
  [[], 'expected --perfmon FILE, found nothing\n'],
  [['--perfmon', 'gone.csv'], 'gone.csv: cannot be read: no such file\n'],
  [['--perfmon', 'trace.csv'], 'trace.csv:1: expected the header of a PerfMon CSV file'],
  [[...before, '--users', '0'], '--users: expected a whole number from 1, found "0"\n'],
  [[...before, '--process', 'w3wp'], 'before.csv: --process: expected a worker process'],
  [[...before, '--log', 'trace.csv'], 'trace.csv: expected an access log, found a recording\n'],
  [[...before, '--log', 'after.csv'], 'after.csv: expected a recording, or an access log'],
])('%j is reported, with exit code 2', async (argv, stderr) => {
  expect(await run(...argv)).toEqual({
    ...{ code: 2, stdout: '' },
    stderr: expect.stringContaining(stderr),
  });
});

test('a log with more applications than are counted needs the number of users', async () => {
  const many = Array.from({ length: 65_536 }, (_, n) => ({
    ...calls[0]!,
    ...{ application: String(n), path: 'me' },
  }));
  const io = captureIo({ files: { ...files, 'many.log': haproxyLog(many) } });
  const argv = ['capacity', ...before, '--log', 'many.log'];
  expect(await runCommandLine(only(capacity), argv, io)).toBe(2);
  expect(io.written).toEqual({
    stdout: '',
    stderr: 'many.log: expected --users, because the log has at least 65,536 applications\n',
  });
}, 30_000);
