/** Logs that change between the two passes. */
import { expect, test } from '@jest/globals';
import type { OpenFile } from '../../../src/cli/access-logs/log-files.ts';
import { capacity } from '../../../src/cli/capacity.ts';
import type { Command } from '../../../src/cli/command.ts';
import { runCommandLine } from '../../../src/cli/run-command-line.ts';
import { tune } from '../../../src/cli/tune.ts';
import { haproxyLog, trueCalls } from '../../support/made-logs.ts';
import { captureIo, only } from '../captured-io.ts';

const shape = { users: 4, burst: 3, spreadMs: 5, pauseMs: 1500, tookMs: 40, writes: false };
const calls = trueCalls(shape, 10_000, 'growing');
const whole = haproxyLog(calls);
const half = haproxyLog(calls.slice(0, calls.length >> 1));
const perfmon = `"(PDH-CSV 4.0)","\\\\FE1\\ASP.NET\\Requests Queued"
"11/30/2026 09:00:00","0"`;

/** Runs a command. The log has the next text each time that it is opened, and then keeps the last text. */
async function run(command: Command, texts: readonly string[], ...argv: readonly string[]) {
  const captured = captureIo({ files: { log: '', 'before.csv': perfmon } });
  let opened = 0;
  const openFile: OpenFile = async function* () {
    await Promise.resolve();
    const text = texts[Math.min(opened, texts.length - 1)]!;
    opened += 1;
    yield Buffer.from(text);
  };
  const code = await runCommandLine(only(command), [command.name, ...argv], {
    ...captured,
    openFile,
  });
  return { code, ...captured.written };
}

test('the results of a log that grows are those of its last pass', async () => {
  const grown = await run(tune, [half, half, whole], 'log', '--json');
  expect(grown).toEqual(await run(tune, [whole], 'log', '--json'));
  expect(JSON.parse(grown.stdout)).toMatchObject({ lines: calls.length, replayedShare: 1 });
});

test.each([
  ['tune', tune, ['log']],
  ['capacity', capacity, ['--perfmon', 'before.csv', '--log', 'log']],
])('a log that lost lines between the passes is an error: %s', async (_name, command, argv) => {
  expect(await run(command, [whole, whole, half], ...argv)).toEqual({
    ...{ code: 1, stdout: '' },
    stderr: expect.stringMatching(
      /: expected logs that only grow, found \d+ lines, and then \d+ lines\n$/,
    ),
  });
});

test('the JSON says whether there may be more applications than are counted', async () => {
  const few = await run(tune, [half], 'log', '--json');
  expect(JSON.parse(few.stdout)).toMatchObject({ applications: 4, isMore: false });
  const many = Array.from({ length: 65_540 }, (_, n) => ({ ...calls[0]!, application: `1${n}` }));
  const { stdout } = await run(tune, [haproxyLog(many)], 'log', '--json', '--max-calls', '50');
  expect(JSON.parse(stdout)).toMatchObject({ applications: 65_536, isMore: true });
}, 30_000);
