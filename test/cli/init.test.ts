import { lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { checkConfig } from '../../src/cli/check-config.ts';
import { init } from '../../src/cli/init.ts';
import { openPrompt } from '../../src/cli/prompt.ts';
import { runCommandLine } from '../../src/cli/run-command-line.ts';
import { loadServeSettings } from '../../src/settings/load-settings.ts';
import { onCleanup } from '../support/cleanup.ts';
import { captureIo, only } from './captured-io.ts';

const pool = 'https://fe01.example.com:4443';
let file: string;

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'init-'));
  onCleanup(() => rmSync(folder, { recursive: true }));
  file = join(folder, 'proxy.yaml');
});

const readFile = (path: string): string => readFileSync(path, 'utf8');

/** Runs `init` for `file`, with these answers on a terminal if there are any. */
async function run(argv: readonly string[], answers?: readonly string[]) {
  const io = captureIo();
  const asked: string[] = [];
  const left = [...(answers ?? [])];
  const openPrompt = () =>
    Promise.resolve({
      ask: (question: string) => {
        asked.push(question);
        const answer = left.shift();
        return answer === undefined ? Promise.reject(new Error('end')) : Promise.resolve(answer);
      },
      close: () => asked.push('closed'),
    });
  const code = await runCommandLine(only(init), ['init', '--output', file, ...argv], {
    ...{ ...io, readFile },
    ...(answers && { openPrompt }),
  });
  return { code, asked, ...io.written };
}

function settingsOf(text: string) {
  const loaded = loadServeSettings({ flags: { config: file }, env: {}, readFile: () => text });
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  return loaded.settings;
}

describe.each([
  [['--placement', 'sidecar']],
  [['--placement', 'gateway']],
  [['--names', 'web.example.com, *.example.org']],
  [['--tls-cert', '/etc/a cert: #1.pem', '--tls-key', "key's.pem"]],
  [['--names', '*', '--tls-cert', 'a.pem', '--tls-key', 'true']],
])('the file for %j', (argv) => {
  test.each(['shadow', 'adaptive'])('passes check-config, in mode %s', async (mode) => {
    const { code, stdout } = await run([...argv, '--upstream', pool, '--mode', mode]);
    expect([code, stdout.split('\n')]).toEqual([
      0,
      [
        `The settings are in ${file}. Its comments say what to change. Next:`,
        `  npx ucwa-batch-proxy check-config --config ${file}`,
        `  npx ucwa-batch-proxy serve --config ${file}`,
        '',
      ],
    ]);
    const io = { ...captureIo(), readFile };
    const argvOfCheck = ['check-config', '--config', file];
    expect(await runCommandLine(only(checkConfig), argvOfCheck, io)).toBe(0);
    expect(settingsOf(readFile(file)).batching.mode).toBe(mode);
  });

  test('stays valid if all of its comments that are settings become settings', async () => {
    await run([...argv, '--upstream', pool]);
    const text = readFile(file).replace(/^( *)# ((?: {2})*\w+:(?: .*)?)$/gm, '$1$2');
    const { record, listen } = settingsOf(text);
    expect(record.file).toBe('/var/lib/ucwa-batch-proxy/calls.csv');
    expect(listen.trustedProxies).toHaveLength(argv.includes('sidecar') ? 0 : 1);
  });
});

test('the values are those of the flags, and a new file trusts no proxy', async () => {
  await run(['--upstream', pool, '--names', 'web.example.com, *.example.org', '--tls-cert', 'a: #.pem', '--tls-key', "b'.pem"]); // prettier-ignore
  expect(settingsOf(readFile(file))).toMatchObject({
    listen: {
      address: { host: '0.0.0.0', port: 443 },
      trustedProxies: [],
      tls: { cert: 'a: #.pem', key: "b'.pem" },
    },
    admin: { address: { host: '127.0.0.1' } },
    pools: [{ hosts: ['web.example.com', '*.example.org'], servers: [pool], tls: {} }],
    batching: { mode: 'shadow' },
  });
  await run(['--upstream', pool, '--placement', 'sidecar', '--mode', 'adaptive', '--force']);
  expect(settingsOf(readFile(file))).toMatchObject({
    listen: { address: { host: '127.0.0.1', port: 18080 }, trustedProxies: [] },
    admin: { address: { host: '127.0.0.1', port: 19464 } },
    upstream: { url: pool },
    pools: [],
    batching: { mode: 'adaptive' },
    drain: { delayMs: 0 },
  });
});

test('a terminal is asked what no flag says, and again after a mistake', async () => {
  const answers = ['', 'fe01', ` ${pool} `, 'web.example.com', 'a.pem', '', 'b.pem', ''];
  const { code, asked, stdout, stderr } = await run([], answers);
  expect([code, asked.length, asked.at(-1)]).toEqual([0, answers.length + 1, 'closed']);
  expect(asked[0]).toMatch(/gateway.*\? \[gateway\] $/);
  expect(stdout).toMatch(/^expected scheme and host such as .*, found "fe01"\n/);
  expect(stderr).toMatch(/^warning: .*a\.pem/);
  expect(settingsOf(readFile(file))).toMatchObject({
    listen: { tls: { cert: 'a.pem', key: 'b.pem' } },
    pools: [{ hosts: ['web.example.com'] }],
    batching: { mode: 'shadow' },
  });
});

test('a sidecar is not asked for names and certificates', async () => {
  const { code, asked } = await run(['--mode', 'shadow'], ['sidecar', pool]);
  expect([code, asked.length]).toEqual([0, 3]);
});

test('an end of the input leaves no file', async () => {
  expect(await run([], ['sidecar'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/end/),
  });
  expect(() => readFile(file)).toThrow('ENOENT');
});

test.each<[string[], string[]]>([
  [[], ['--upstream: expected URL, found nothing']],
  [
    ['--upstream', 'https://user:secret@pool', '--mode', 'off', '--names', 'a b'],
    [
      expect.stringMatching(/^--upstream: expected scheme and host .*\*\*\*@/) as unknown as string,
      '--names: expected a list of host names such as [web.example.com, *.example.com], found "a b"',
      '--mode: expected shadow or adaptive, found "off"',
    ],
  ],
  [['--upstream', pool, '--tls-cert', 'a.pem'], ['--tls-key: expected FILE, found nothing']],
  [
    ['--upstream', pool, '--tls-key', 'a.pem', '--placement', 'sidecar', '--names', 'a'],
    [
      '--names: expected --placement gateway, because a sidecar has its own address',
      '--tls-key: expected --tls-cert beside it',
    ],
  ],
  [
    ['--upstream', pool, '--tls-cert', 'a\nadmin: {}', '--tls-key', 'b'],
    ['--tls-cert: expected the path of a PEM file, found other text'],
  ],
])('mistakes are shown, and nothing is written: %j', async (argv, problems) => {
  const { code, stderr } = await run(argv);
  expect({ code, problems: stderr.trimEnd().split('\n') }).toEqual({ code: 2, problems });
  expect(() => readFile(file)).toThrow('ENOENT');
});

test('a file that exists stays as it is without --force', async () => {
  writeFileSync(file, 'mine');
  const { code, stderr } = await run(['--upstream', pool]);
  expect([code, stderr]).toEqual([
    2,
    `${file}: exists; --force overwrites it, --output FILE writes another file\n`,
  ]);
  expect(readFile(file)).toBe('mine');
  expect((await run(['--upstream', pool, '--force'])).code).toBe(0);
  expect(settingsOf(readFile(file)).upstream.url).toBe(pool);
});

test('a symbolic link to a missing file is not followed', async () => {
  symlinkSync(`${file}.target`, file);
  expect(await run(['--upstream', pool])).toMatchObject({ code: 2, stdout: '' });
  expect(lstatSync(file).isSymbolicLink()).toBe(true);
  expect(() => readFile(`${file}.target`)).toThrow('ENOENT');
});

test('a prompt reads lines, and says when there are no more', async () => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const prompt = openPrompt(input, output);
  const answer = prompt.ask('Which? ');
  input.write('this\n');
  expect([await answer, String(output.read())]).toEqual(['this', 'Which? ']);
  input.write('two\nthree\n');
  expect([await prompt.ask('2? '), await prompt.ask('3? ')]).toEqual(['two', 'three']);
  const last = prompt.ask('And? ');
  input.end();
  await expect(last).rejects.toThrow('nothing is written');
  await expect(prompt.ask('More? ')).rejects.toThrow();
});
