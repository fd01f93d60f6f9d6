/** `verify` against simulated pools: one that is as believed, and one for each property that differs. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { checkConfig } from '../../src/cli/check-config.ts';
import { runCommandLine } from '../../src/cli/run-command-line.ts';
import { verify } from '../../src/cli/verify.ts';
import { onCleanup } from '../support/cleanup.ts';
import { startFlippedPool, type Flip } from '../support/flipped-pool.ts';
import { batchFlips } from '../support/pool-flips-of-batches.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';
import { startPool } from '../support/pool.ts';
import { app, UcwaClient } from '../support/ucwa-client.ts';
import { captureIo, only } from './captured-io.ts';

const token = 'cwt=sim-ann';

async function run(url: string, flags: readonly string[], file = token) {
  const io = captureIo({ files: { token: `${file}\n` } });
  const argv = ['verify', '--pool', url, '--token-file', 'token', ...flags];
  return { code: await runCommandLine(only(verify), argv, io), ...io.written };
}

const known = ['--application', app];

function temporaryFile(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'verify-'));
  onCleanup(() => rmSync(folder, { recursive: true }));
  return join(folder, name);
}

describe('a pool that is as believed', () => {
  test('ends with code 0 after reads alone', async () => {
    const pool = await startPool();
    const { code, stdout, stderr } = await run(pool.url, known);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toMatch(/^(?:DIFFERENT|FAILED)/m);
    const writes = pool.ledger
      .entries()
      .filter(({ method, target }) => method !== 'GET' && !target.endsWith('oauthtoken'));
    expect(writes).toEqual([]);
    expect(pool.stats()).toMatchObject({ refused429: 0, openConnections: expect.any(Number) });
  });

  test('gets back what the run wrote, and loses the application of the run', async () => {
    const pool = await startPool();
    const client = new UcwaClient(pool.url);
    const note = await client.ask(`${app}/me/note`);
    const { code, stdout } = await run(pool.url, ['--write', '--find-limit', '--json']);
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as { checks: Array<{ id: string; verdict: string }> };
    expect(report.checks.length).toBeGreaterThanOrEqual(30);
    const unknown = report.checks.filter(({ verdict }) => verdict !== 'as believed');
    expect(unknown.map(({ id }) => id)).toEqual(['tls.version', 'tls.certificate']);
    expect((await client.ask(`${app}/me/note`)).text).toBe(note.text);
    const created = pool.ledger.entries().find(({ target }) => target.endsWith('/applications'));
    const removed = pool.ledger.entries().filter(({ method }) => method === 'DELETE');
    expect(removed.map(({ target }) => target)).toContain(
      `/ucwa/oauth/v1/applications/${created?.application ?? ''}`,
    );
  });

  test('gives a profile that check-config accepts', async () => {
    const pool = await startPool();
    const profile = temporaryFile('pool-profile.yaml');
    await run(pool.url, [...known, '--profile', profile]);
    const text = readFileSync(profile, 'utf8');
    expect(text).toContain('mode: "adaptive"');
    const io = captureIo({ files: { profile: text } });
    const argv = ['check-config', '--config', 'profile'];
    expect(await runCommandLine(only(checkConfig), argv, io)).toBe(0);
  });
});

describe('usage', () => {
  const url = 'http://127.0.0.1:1';
  test.each([
    ['no application', [], token, /--application PATH, or --write/],
    ['no path of an application', ['--application', '/ucwa/oauth/v1/me'], token, /a path such as/],
    ['two formats', [...known, '--json', '--markdown'], token, /found both/],
    ['a missing authority', [...known, '--ca', 'gone'], token, /--ca: cannot be read: ENOENT/],
    ['two lines in the token file', known, `${token}\nsecond`, /--token-file: expected one line/],
    ['an empty token file', known, '', /--token-file: expected one line/],
    ['a sign-in of a connection', known, 'Authorization: NTLM abcd', /does not sign in/],
  ])('%s is an error, which shows no token', async (_name, flags, file, message) => {
    const { code, stdout, stderr } = await run(url, flags, file);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/cwt|abcd/);
  });

  test('an address with a path, and no token file, are errors', async () => {
    const io = captureIo();
    const argv = ['verify', '--pool', 'https://ann:secret@pool.example/x', ...known];
    expect(await runCommandLine(only(verify), argv, io)).toBe(2);
    expect(io.written.stderr).toMatch(/--pool: expected scheme and host/);
    expect(io.written.stderr).toMatch(/expected --token-file FILE/);
    expect(io.written.stderr).not.toContain('secret');
  });
});

describe('a pool that cannot be checked', () => {
  test('that gives no answer is a failure without a profile', async () => {
    const profile = temporaryFile('pool-profile.yaml');
    const { code, stdout, stderr } = await run('http://127.0.0.1:1', [
      ...known,
      ...['--profile', profile],
    ]);
    expect(code).toBe(1);
    expect(stdout).toContain('FAILED');
    expect(stderr).toMatch(/^the pool gives no complete answer: connection_refused\n/);
    expect(existsSync(profile)).toBe(false);
  });

  test('that refuses the token is a failure after one request', async () => {
    const pool = await startPool();
    const { code, stderr } = await run(pool.url, known, 'Bearer-of-nothing');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'the pool answers 401 to the user; check the token and the application\n',
    });
    expect(pool.stats().requests).toBe(1);
  });
});

describe('secrets', () => {
  const address = 'ann.canary@secret.example';
  const note = 'note-canary: buy milk';
  const server = 'canary-fe01.secret.example';
  const entry = { code: 'canary' };

  /** A pool that puts canaries into all it says. */
  const talkative: Flip = {
    answer: (answer, { isBatch }) => {
      answer.headers.push('X-MS-Server-Fqdn', server, 'Server', server);
      answer.headers.push('Set-Cookie', `canary=${server}`, 'Keep-Alive', `timeout=5, ${server}`);
      if (answer.status === 401)
        answer.headers.push('WWW-Authenticate', `Canary realm="${server}"`);
      answer.body = answer.body.replaceAll(
        '"message":""',
        JSON.stringify({ message: note }).slice(1, -1),
      );
      answer.body = answer.body.replaceAll('Online', `${entry.code} ${address}`);
      if (isBatch)
        answer.body = answer.body.replaceAll('Cache-Control', 'X-Canary: x\r\nCache-Control');
    },
  };

  test.each([[[]], [['--json']], [['--markdown']]])(
    'no report shows one, and none reaches another address: %j',
    async (format) => {
      const { url } = await startFlippedPool(talkative);
      const profile = temporaryFile('pool-profile.yaml');
      const flags = ['--write', '--find-limit', ...format, '--profile', profile];
      const { stdout, stderr } = await run(url, flags, 'cwt=sim-canary');
      const shown = `${stdout}${stderr}`;
      expect(shown).toMatch(/batch\.accepted/);
      expect(shown).not.toMatch(
        /canary|cwt|secret\.example|127\.0\.0\.1|applications\/\d{2}|milk/i,
      );
      expect(readFileSync(profile, 'utf8')).not.toMatch(/canary|cwt|applications\//i);
    },
  );

  test('the token goes to no other address that links and redirects name', async () => {
    const other = await startScriptedPool((_request, socket) => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
    const { url } = await startFlippedPool({
      options: { publicUrl: other.url },
      answer: (answer, { target }) => {
        if (/events|photos/.test(target)) answer.status = 302;
        answer.headers.push('Location', `${other.url}/stolen`);
        answer.body = answer.body.replaceAll('"href":"/', `"href":"${other.url}/`);
      },
    });
    await run(url, ['--write', '--find-limit']);
    await run(url, [...known, '--write']);
    expect(other.requests).toEqual([]);
  });
});

test.each<[string, Flip]>([
  ['answers in another order', batchFlips.find(({ check: id }) => id === 'batch.order') ?? {}],
  ['has no batches', batchFlips.find(({ check: id }) => id === 'batch.accepted') ?? {}],
])('a whole run against a pool that %s turns batching off, with code 1', async (_name, flip) => {
  const { url } = await startFlippedPool(flip);
  const { code, stdout } = await run(url, [...known, '--json']);
  expect(code).toBe(1);
  const { settings } = JSON.parse(stdout) as { settings: Record<string, unknown> };
  expect(settings['batching.mode']).toBe('off');
});
