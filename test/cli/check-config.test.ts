import { describe, expect, test } from '@jest/globals';
import { checkConfig } from '../../src/cli/check-config.ts';
import { runCommandLine } from '../../src/cli/run-command-line.ts';
import { describeLists, describeSettings } from '../../src/settings/describe-settings.ts';
import { jsonSchema } from '../../src/settings/json-schema.ts';
import { captureIo, only } from './captured-io.ts';

const missing =
  'upstream.url: expected the address of the pool, found nothing; give --upstream URL, UCWA_PROXY_UPSTREAM_URL, or upstream.url or pools in the file of --config FILE\n';

const files = {
  'good.yaml': 'upstream: { url: "https://pool.example" }\n',
  'bare.yaml': 'batching: { maxParts: 10 }\n',
  'bad.yaml': 'batching:\n  maxPart: 10\n  lingerMaxMs: soon\n',
};

async function run(argv: string[], env: Record<string, string> = {}) {
  const io = captureIo({ env, files });
  const code = await runCommandLine(only(checkConfig), ['check-config', ...argv], io);
  return { code, ...io.written };
}

test('a valid file is reported as valid', async () => {
  expect(await run(['--config', 'good.yaml'])).toEqual({
    code: 0,
    stdout: 'good.yaml is valid\n',
    stderr: '',
  });
});

test('settings without a pool are invalid, because serve would not start with them', async () => {
  const stdout = 'bare.yaml is valid\n';
  expect(await run(['--config=bare.yaml'])).toEqual({ code: 2, stdout: '', stderr: missing });
  const printed = await run(['--config=bare.yaml', '--print']);
  expect(printed).toMatchObject({ code: 0, stderr: `note: serve needs more: ${missing}` });
  expect(printed.stdout).toContain('maxParts: 10');
  const env = { UCWA_PROXY_UPSTREAM_URL: 'http://pool.example' };
  expect(await run(['--config=bare.yaml'], env)).toEqual({ code: 0, stdout, stderr: '' });
});

test('flags and environment are checked without a file', async () => {
  expect(await run(['--upstream', 'http://pool.example'], { UCWA_PROXY_PORT: '1' })).toEqual({
    code: 0,
    stdout: 'the configuration (no file) is valid\n',
    stderr: 'warning: UCWA_PROXY_PORT: not the name of a setting, ignored\n',
  });
});

test.each([[], ['--print']])('all problems are reported, with exit code 2 %j', async (...argv) => {
  expect(await run(['--config', 'bad.yaml', '--mode', 'fast', ...argv])).toEqual({
    code: 2,
    stdout: '',
    stderr: `bad.yaml:2:3 batching.maxPart: unknown key, did you mean batching.maxParts?
bad.yaml:3:16 batching.lingerMaxMs: expected a number of milliseconds from 0 to 1000, found "soon" (string)
--mode: expected adaptive, fixed, off, or shadow, found "fast"
`,
  });
});

test('a file that cannot be read is reported, with exit code 2', async () => {
  expect(await run(['--config', 'gone.yaml'])).toEqual({
    code: 2,
    stdout: '',
    stderr: 'gone.yaml: cannot be read: no such file\n',
  });
});

test('--print writes a valid file with the same settings', async () => {
  const first = await run(['--print', '--config', 'good.yaml', '--linger', '7']);
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(first.stdout).toContain('  url: https://pool.example\n');
  expect(first.stdout).toContain('  lingerMaxMs: 7\n');

  const io = captureIo({ files: { 'printed.yaml': first.stdout } });
  const argv = ['check-config', '--print', '--config', 'printed.yaml'];
  expect(await runCommandLine(only(checkConfig), argv, io)).toBe(0);
  expect(io.written.stdout).toBe(first.stdout);
});

describe('--schema', () => {
  test('prints the JSON schema', async () => {
    const { code, stdout, stderr } = await run(['--schema']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual(jsonSchema());
  });

  test.each([
    [['--schema', '--print'], '--print'],
    [['--config', 'bare.yaml', '--schema'], '--config'],
  ])('refuses other flags: %j', async (argv, other) => {
    expect(await run(argv)).toEqual({
      code: 2,
      stdout: '',
      stderr: `--schema: expected no other flag, found ${other}\n`,
    });
  });
});

test('the long help lists every flag, every environment variable and every setting', async () => {
  const { stdout } = await run(['--help', '--all']);
  for (const { key, env, flag, placeholder, meaning, accepts } of describeSettings()) {
    expect(stdout).toContain(`\n  ${key}\n      ${meaning}\n      ${env}: ${accepts} (default: `);
    expect(stdout).toContain(flag === undefined ? '' : `\n  --${flag} ${placeholder} `);
  }
  for (const { key, meaning, accepts } of describeLists().flatMap(({ items }) => items)) {
    expect(stdout).toContain(`\n  ${key}\n      ${meaning}\n      ${accepts} (`);
  }
  for (const flag of ['--config FILE ', '--print ', '--schema ', '--help ']) {
    expect(stdout).toContain(`\n  ${flag}`);
  }
});
