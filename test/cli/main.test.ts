import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { onCleanup } from '../support/cleanup.ts';
import { readMetrics } from '../support/metric-values.ts';
import { Program, type Ended, type Started } from '../support/program.ts';

let program: Program;

beforeAll(() => {
  program = Program.install();
});

afterAll(() => program.remove());

function run(...argv: string[]): Promise<Ended> {
  return program.run(argv);
}

function started(line: RegExp, ...argv: string[]): Promise<Started> {
  return program.start(line, argv);
}

test('exit code 0: the command succeeded', async () => {
  expect(await run('check-config', '--config', 'config/sidecar.yaml')).toEqual({
    code: 0,
    stdout: 'config/sidecar.yaml is valid\n',
    stderr: '',
  });
});

test('exit code 1: the command failed while it ran', async () => {
  const { code, stderr } = await run('probe', 'http://127.0.0.1:1/');
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('ECONNREFUSED') });
});

test('exit code 2: wrong arguments or settings', async () => {
  expect(await run('check-config', '--config', 'config/gone.yaml')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^config\/gone\.yaml: cannot be read: ENOENT/),
  });
  expect(await run()).toMatchObject({ code: 2, stdout: '' });
  expect(await run('tune', '/dev/null')).toMatchObject({
    ...{ code: 2, stdout: '' },
    stderr: expect.stringMatching(/^\/dev\/null: cannot be read: expected a regular file/),
  });
});

test('help lists the commands, and each command has its own help', async () => {
  const { code, stdout } = await run('--help');
  const names = [...stdout.matchAll(/^ {2}([a-z]\S*) {2}/gm)].map(([, name]) => name ?? '');
  const known = [
    'serve',
    'demo',
    'init',
    'simulate',
    'check-config',
    'probe',
    'who-is',
    'tune',
    'capacity',
    'verify',
  ];
  expect({ code, names }).toEqual({ code: 0, names: known });
  const helps = await Promise.all(names.map((name) => run(name, '--help')));
  for (const [index, name] of names.entries()) {
    expect(helps[index]).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`proxy ${name}`),
    });
  }
});

test('a health check loads no library and no code of the proxy, because it shares its memory limit', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ucwa-batch-proxy-'));
  onCleanup(() => rmSync(folder, { recursive: true }));
  await program.run(['probe', 'http://127.0.0.1:1/'], { env: { NODE_V8_COVERAGE: folder } });
  const loaded = readdirSync(folder).flatMap((file) => {
    const { result } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as {
      result: ReadonlyArray<{ url: string }>;
    };
    return result.map(({ url }) => url).filter((url) => url.startsWith('file:'));
  });
  expect(loaded).toContainEqual(expect.stringContaining('/dist/cli/probe.js'));
  expect(loaded.filter((url) => !/\/dist\/(main\.js$|cli\/|settings\/)/.test(url))).toEqual([]);
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  'serve shuts down and exits with 0 on %s, and logs no secret',
  async (signal) => {
    const simulator = await started(/pool at (\S+)/, 'simulate', '--listen', '127.0.0.1:0');
    const serve = await started(
      /"listen":"([^"]+)"/,
      ...['serve', '--upstream', simulator.match[1] ?? '', '--listen', '127.0.0.1:0'],
      ...['--admin', '127.0.0.1:0'],
    );
    const url = `http://${serve.match[1] ?? ''}/ucwa/oauth/v1/applications/7/me`;
    const answer = await fetch(url, { headers: { Authorization: 'Bearer cwt=sim-ann' } });
    expect(answer.status).toBe(200);
    await answer.text();
    serve.child.kill(signal);
    expect(await serve.exited).toBe(0);
    expect(serve.output()).toMatch(/"msg":"stopped"/);
    expect(serve.output()).not.toContain('cwt=');
    simulator.child.kill(signal);
    expect(await simulator.exited).toBe(0);
  },
);

test('a second signal ends serve immediately', async () => {
  const serve = await started(
    /"msg":"serving"/,
    ...['serve', '--upstream', 'http://127.0.0.1:1', '--listen', '127.0.0.1:0'],
    ...['--admin', '127.0.0.1:0', '--config', 'test/fixtures/settings/slow-drain.yaml'],
  );
  serve.child.kill('SIGTERM');
  await serve.until(/"msg":"stopping"/);
  serve.child.kill('SIGTERM');
  expect(await serve.exited).toBe(0);
});

test('serve reads its file when it changes and on SIGHUP, and refuses an invalid one whole', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reload-'));
  onCleanup(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'proxy.yaml');
  const write = (text: string): void => {
    writeFileSync(join(folder, 'new'), `${text}\ndrain: { delayMs: 3000 }\n`);
    renameSync(join(folder, 'new'), file);
  };
  write('batching: { mode: fixed }');
  const serve = await started(
    /"admin":"127\.0\.0\.1:(\d+)"/,
    ...['serve', '--upstream', 'http://127.0.0.1:1', '--listen', '127.0.0.1:0'],
    ...['--admin', '127.0.0.1:0', '--config', file],
  );
  const isSuccessful = async (): Promise<number | undefined> =>
    (await readMetrics(Number(serve.match[1]))).get('ucwa_proxy_config_last_reload_successful');
  write('batching: { mode: off }');
  await serve.until(/"cause":"file","keys":"batching\.mode","hash":"[\da-f]{12}"/);
  expect(await isSuccessful()).toBe(1);
  write('batching: { mode: fixed, maxParts: 0, linger: 1 }');
  await serve.until(/"cause":"file","problems":2,"msg":"the settings are refused/);
  await serve.until(/proxy\.yaml:1:\d+ batching\.maxParts: expected a whole number/);
  expect(await isSuccessful()).toBe(0);
  serve.child.kill('SIGHUP');
  await serve.until(/"cause":"SIGHUP","problems":2/);
  write('listen: { address: 127.0.0.1:1, h2c: true }');
  // The flag overrides listen.address, so that its change in the file is none.
  await serve.until(/"keys":"listen\.h2c","msg":"some settings need a restart to change"/);
  expect(await isSuccessful()).toBe(1);

  serve.child.kill('SIGTERM');
  await serve.until(/"msg":"stopping"/);
  serve.child.kill('SIGHUP');
  await serve.until(/SIGHUP has no effect while the proxy stops/);
  serve.child.kill('SIGTERM');
  expect(await serve.exited).toBe(0);
}, 30_000);

test('SIGHUP without a file, once or many times, ends nothing', async () => {
  const serve = await started(
    /"msg":"serving"/,
    ...['serve', '--upstream', 'http://127.0.0.1:1', '--listen', '127.0.0.1:0'],
    ...['--admin', '127.0.0.1:0'],
  );
  for (let times = 0; times < 20; times += 1) serve.child.kill('SIGHUP');
  await serve.until(/the settings were read: none has changed/);
  serve.child.kill('SIGTERM');
  expect(await serve.exited).toBe(0);
});

test('an address in use is reported with its setting, with exit code 1', async () => {
  const simulator = await started(/pool at http:\/\/(\S+)/, 'simulate', '--listen', '127.0.0.1:0');
  const taken = simulator.match[1] ?? '';
  const argv = ['serve', '--upstream', 'http://127.0.0.1:1', '--listen', taken];
  const { code, stderr } = await run(...argv);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringMatching(/listen\.address: .*EADDRINUSE.*choose another/),
  });
  simulator.child.kill('SIGTERM');
  await simulator.exited;
});

test('the commands of "What would it save here?" print the savings', async () => {
  const page = readFileSync(new URL('../../docs/savings.md', import.meta.url), 'utf8');
  const [, section = ''] = page.split('## What would it save here?');
  const commands = [...section.matchAll(/^npx ucwa-batch-proxy (.*)$/gm)].map(([, argv = '']) =>
    argv.split(' '),
  );
  expect(commands.map(([name]) => name)).toEqual(['serve', 'tune']);
  const folder = mkdtempSync(join(tmpdir(), 'shadow-'));
  onCleanup(() => rmSync(folder, { recursive: true }));
  const simulator = await started(/pool at (\S+)/, 'simulate', '--listen', '127.0.0.1:0');
  const [serveArgv = [], tuneArgv = []] = commands.map((argv) =>
    argv.map((word) =>
      word.startsWith('https:')
        ? (simulator.match[1] ?? '')
        : word.replace(/^(?=\w+\.(?:csv|svg)$)/, `${folder}/`),
    ),
  );
  const own = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
  const serve = await started(/"listen":"([^"]+)"/, ...serveArgv, ...own);
  const url = `http://${serve.match[1] ?? ''}/ucwa/oauth/v1/applications/7/me`;
  const headers = { Authorization: 'Bearer cwt=sim-ann' };
  for (let i = 0; i < 3; i += 1) {
    const answers = await Promise.all(['', '/note'].map((path) => fetch(url + path, { headers })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  }
  serve.child.kill('SIGTERM');
  expect(await serve.exited).toBe(0);
  expect(serve.output()).toMatch(/"msg":"shadow: would have saved .* in the place of 6\); callers/);
  const { code, stdout } = await run(...tuneArgv);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^6 calls of 1 user in /);
  expect(stdout).toMatch(/^\* adaptive +15 ms +20 /m);
  expect(readFileSync(join(folder, 'curve.svg'), 'utf8')).toContain('</svg>');
  simulator.child.kill('SIGTERM');
});
