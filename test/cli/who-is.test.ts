import { request } from 'node:http';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { runCommandLine } from '../../src/cli/run-command-line.ts';
import { whoIs } from '../../src/cli/who-is.ts';
import { onCleanup } from '../support/cleanup.ts';
import { startPool } from '../support/pool.ts';
import { startProxy, startProxyFrom } from '../support/proxy.ts';
import { captureIo, only } from './captured-io.ts';

const key = 'a key of the hashes, long enough';
const token = 'Bearer cwt=token-of-ann';
const headers = `Authorization: ${token}\r\nUser-Agent: phone\r\n`;

async function run(argv: readonly string[], files: Record<string, string> = {}) {
  const io = captureIo({ files });
  const code = await runCommandLine(only(whoIs), ['who-is', ...argv], io);
  return { code, ...io.written };
}

test('shows the hash that a process with the same key logs for the user', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, {}, { userHashKey: Buffer.from(key) });
  const call = request(`${proxy.url}/ucwa/v1/applications/1/me`, {
    headers: { Authorization: token },
  }).end();
  const [answer] = (await once(call, 'response')) as [IncomingMessage];
  answer.resume();
  await proxy.untilLogged(/"msg":"call"/);
  const line = proxy.log.find((written) => written.includes('"msg":"call"')) ?? '{}';
  const files = { 'the.key': `${key}\n`, 'request.txt': headers };
  expect(await run(['--key-file', 'the.key', 'request.txt'], files)).toEqual({
    code: 0,
    stdout: `${(JSON.parse(line) as { user: string }).user}\n`,
    stderr: '',
  });
});

test('shows the hash of the user at the pool that --pool names', async () => {
  const pool = await startPool();
  const pools = `pools:
  - { name: a, hosts: [a.example], servers: ['${pool.url}'] }
  - { name: b, hosts: [b.example], servers: ['${pool.url}'] }
`;
  const proxy = await startProxyFrom(pools, {}, { userHashKey: Buffer.from(key) });
  const call = request(`${proxy.url}/ucwa/v1/applications/1/me`, {
    headers: { Authorization: token, Host: 'b.example' },
  }).end();
  const [answer] = (await once(call, 'response')) as [IncomingMessage];
  answer.resume();
  await proxy.untilLogged(/"msg":"call"/);
  const line = proxy.log.find((written) => written.includes('"msg":"call"')) ?? '{}';
  const files = { 'the.key': key, 'proxy.yaml': pools, h: headers };
  const given = ['--config', 'proxy.yaml', '--key-file', 'the.key', 'h'];
  const ofA = await run([...given, '--pool', 'a'], files);
  expect(await run([...given, '--pool', 'b'], files)).toEqual({
    code: 0,
    stdout: `${(JSON.parse(line) as { user: string }).user}\n`,
    stderr: '',
  });
  expect(ofA.stdout).toMatch(/^[0-9a-f]{8}\n$/);
  expect(ofA.stdout).not.toContain((JSON.parse(line) as { user: string }).user);
  expect(await run(given, files)).toEqual({
    ...{ code: 2, stdout: '' },
    stderr: '--pool: expected one of a, b, found nothing\n',
  });
  expect(await run([...given, '--pool', 'c'], files)).toMatchObject({
    ...{ code: 2, stdout: '' },
    stderr: '--pool: expected one of a, b, found "c"\n',
  });
});

test('takes the key file from log.userHashKeyFile, and the headers from the standard input', async () => {
  const files = {
    'the.key': key,
    'proxy.yaml': 'log:\n  userHashKeyFile: the.key\n',
    '/dev/stdin': headers,
  };
  const fromFlag = await run(['--key-file', 'the.key', '-'], files);
  expect(await run(['--config', 'proxy.yaml', '-'], files)).toEqual(fromFlag);
  expect(fromFlag.stdout).toMatch(/^[0-9a-f]{8}\n$/);
});

describe('what is missing is named, with exit code 2, and no credential is shown:', () => {
  test.each<[string, string[], Record<string, string>, string]>([
    ['no key', ['h'], { h: headers }, 'expected --key-file FILE, or --config FILE'],
    [
      'a short key',
      ['--key-file', 'k', 'h'],
      { k: 'short', h: headers },
      'log.userHashKeyFile: cannot be used: expected at least 16 bytes, found 5',
    ],
    ['no file', ['--key-file', 'k', 'h'], { k: key }, 'HEADERS: cannot be read: ENOENT\n'],
    [
      'no credential',
      ['--key-file', 'k', 'h'],
      { k: key, h: token },
      'HEADERS: expected a field Authorization or X-MS-WebTicket, found neither',
    ],
    [
      'one credential instead of two',
      ['--key-file', 'k', 'h'],
      { k: key, h: `${headers}${headers}` },
      'HEADERS: expected each credential field once, found one of them twice\n',
    ],
  ])('%s', async (_what, argv, files, problem) => {
    const { code, stdout, stderr } = await run(argv, files);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(problem);
    expect(stderr).not.toContain('cwt');
  });
});

/** Returns the output of the command, with the files of the machine. */
async function runOnMachine(...argv: readonly string[]) {
  const captured = captureIo();
  const io = { ...captured, readFile: (path: string) => readFileSync(path, 'utf8') };
  const code = await runCommandLine(only(whoIs), ['who-is', ...argv], io);
  return { code, ...captured.written };
}

test.each([
  ['as one argument', ['Authorization: Bearer cwt=X'], 'HEADERS: cannot be read: ENOENT\n'],
  ['as several arguments', ['Authorization:', 'Bearer', 'cwt=X'], 'unexpected argument\n'],
  ['behind -H', ['-HAuthorization: Bearer cwt=X'], 'unknown flag\n'],
  ['behind two hyphens', ['--Authorization: Bearer cwtX'], 'unknown flag\n'],
])('a credential %s is refused, and not shown', async (_how, argv, problem) => {
  const folder = mkdtempSync(join(tmpdir(), 'who-is-'));
  onCleanup(() => rmSync(folder, { recursive: true }));
  const keyFile = join(folder, 'the.key');
  writeFileSync(keyFile, key);
  const { code, stdout, stderr } = await runOnMachine('--key-file', keyFile, ...argv);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr.startsWith(problem)).toBe(true);
  expect(stderr).not.toMatch(/Authorization|Bearer|cwt|^-/m);
});
