import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { Command, GivenArguments } from '../../src/cli/command.ts';
import { runCommandLine } from '../../src/cli/run-command-line.ts';
import { captureIo, only } from './captured-io.ts';

/** A command that records its arguments, and ends as `end` does. */
function fakeCommand(end: () => Promise<number>): Command & { readonly seen: GivenArguments[] } {
  const seen: GivenArguments[] = [];
  return {
    name: 'serve',
    summary: 'serve things',
    flags: [
      { name: 'listen', placeholder: 'HOST:PORT', meaning: 'where' },
      { name: 'print', meaning: 'print it' },
    ],
    operands: [{ name: 'URL', meaning: 'what' }],
    notes: 'And so on.',
    seen,
    run: (given) => {
      seen.push(given);
      return end();
    },
  };
}

async function run(argv: string[], end: () => Promise<number> = () => Promise.resolve(0)) {
  const command = fakeCommand(end);
  const io = captureIo();
  const code = await runCommandLine(only(command), argv, io);
  return { code, seen: command.seen, ...io.written };
}

const programHelp = `A reverse proxy that batches the UCWA calls of each user.

Usage: ucwa-batch-proxy COMMAND [FLAGS]

Commands:
  serve  serve things

Flags:
  --help, -h     show this help
  --version, -v  show the version

"ucwa-batch-proxy COMMAND --help" shows the flags of a command.
`;

describe('a command', () => {
  test('gets its arguments and sets the exit code', async () => {
    const { code, seen } = await run(['serve', '--print', 'x', '--listen=a:1'], () =>
      Promise.resolve(1),
    );
    expect(code).toBe(1);
    expect(seen).toEqual([
      { flags: { listen: 'a:1' }, switches: new Set(['print']), operands: ['x'] },
    ]);
  });

  test('that throws ends the program with exit code 1 and the reason', async () => {
    const result = await run(['serve', 'x'], () => Promise.reject(new Error('address in use')));
    expect(result).toMatchObject({ code: 1, stderr: 'ucwa-batch-proxy serve: address in use\n' });
  });

  test('does not run with invalid arguments', async () => {
    const result = await run(['serve', '--lisen', 'x']);
    expect(result).toEqual({
      code: 2,
      seen: [],
      stdout: '',
      stderr:
        '--lisen: unknown flag, did you mean --listen?\n' +
        '"ucwa-batch-proxy serve --help" shows the flags.\n',
    });
  });

  test.each([
    ['serve', '--help'],
    ['serve', '-h'],
    ['serve', 'x', '--help', '--bad'],
    ['help', 'serve'],
  ])('prints its help for %j', async (...argv) => {
    expect(await run(argv)).toEqual({
      code: 0,
      seen: [],
      stderr: '',
      stdout: `serve: serve things

Usage: ucwa-batch-proxy serve [FLAGS] URL

  URL  what

Flags:
  --listen HOST:PORT  where
  --print             print it
  --help              show this help

And so on.
`,
    });
  });
});

describe('the help of a command with settings', () => {
  const command: Command = {
    ...fakeCommand(() => Promise.resolve(0)),
    longNotes: 'All settings.',
  };
  const helpFor = async (...argv: string[]) => {
    const io = captureIo();
    expect(await runCommandLine(only(command), argv, io)).toBe(0);
    return io.written.stdout;
  };

  test.each([
    ['serve', '--help'],
    ['serve', '-h'],
  ])('is short, and names the long one: %j', async (...argv) => {
    expect(await helpFor(...argv)).toMatch(
      /And so on\.\n\n"ucwa-batch-proxy help serve" shows all settings, too\.\n$/,
    );
  });

  test.each([
    ['help', 'serve'],
    ['serve', '--help', '--all'],
    ['serve', '--all', '-h'],
  ])('is long for %j', async (...argv) => {
    expect(await helpFor(...argv)).toMatch(/And so on\.\n\nAll settings\.\n$/);
  });
});

describe('the program', () => {
  test.each(['--help', '-h', 'help'])('prints its help on standard output for %s', async (flag) => {
    expect(await run([flag])).toEqual({ code: 0, seen: [], stdout: programHelp, stderr: '' });
  });

  test.each(['--version', '-v', 'version'])('prints its version for %s', async (flag) => {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    const { version } = JSON.parse(text) as { version: string };
    expect(await run([flag])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });

  test.each([
    [[], 'expected a command, found nothing'],
    [['serv'], 'expected a command, found "serv", did you mean serve?'],
    [['--listen', 'a:1', 'serve'], 'expected a command, found "--listen"'],
  ])('needs a command as its first argument: %j', async (argv, problem) => {
    expect(await run(argv)).toEqual({
      code: 2,
      seen: [],
      stdout: '',
      stderr: `ucwa-batch-proxy: ${problem}\n\n${programHelp}`,
    });
  });
});
