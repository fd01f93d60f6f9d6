import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
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

test('demo says in words what three scenes cost, its commands show a batch, and Ctrl-C says what the run did', async () => {
  const demo = await started(
    /Serving until Ctrl-C/,
    ...['demo', '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
  );
  const stdout = demo.output();
  const numbers = (row: string): number[][] =>
    stdout
      .split('\n')
      .filter((line) => line.trim().startsWith(row))
      .map((line) => line.replace(row, '').trim().split(/\s+/).map(Number));
  const [calls, requests, refusals, errors] = [
    numbers('calls'),
    numbers('requests at the pool'),
    numbers('429s that callers saw'),
    numbers('other errors'),
  ];
  expect(calls.map(([direct]) => direct)).toEqual([384, 432, 384]);
  for (const [i, [direct = 0, proxied = 0]] of requests.entries()) {
    expect([direct, proxied < direct / 1.5]).toEqual([calls[i]?.[1], true]);
  }
  expect(refusals.slice(0, 2)).toEqual([[0, 0], [0, 0]]); // prettier-ignore
  expect([(refusals[2]?.[0] ?? 0) > 100, refusals[2]?.[1]]).toEqual([true, 0]);
  expect(errors).toEqual([[0, 0], [0, 0], [0, 0]]); // prettier-ignore
  expect(stdout.match(/^ {2}\d+\.\d times fewer requests; the pool's work /gm)).toHaveLength(3);
  expect(stdout.match(/^ {2}Callers (?:of the other routes )?waited /gm)).toHaveLength(3);
  expect(stdout).toMatch(/Directly the pool refused \d+ of 384 calls with 429\..* saw none\./);
  const page = /^Page: (http:\/\/127\.0\.0\.1:\d+\/)$/m.exec(stdout)?.[1] ?? '';
  expect(await shell(`curl --silent ${page}`)).toMatch(/^<!doctype html>/);
  expect(stdout).toMatch(/^Metrics: http:\/\/127\.0\.0\.1:\d+\/metrics$/m);
  expectSample(stdout);

  const commands = [...stdout.matchAll(/^ {2}((?:curl|for) .*)$/gm)].map(([, line = '']) => line);
  expect(commands).toHaveLength(3);
  const [lone = '', ...together] = await Promise.all(commands.map(shell));
  expect(lone).toMatch(/^X-Ucwa-Batch: .*\bid=/im);
  for (const said of together) {
    expect(said.match(/^X-Ucwa-Batch: /gim)).toHaveLength(5);
    expect(said).toMatch(/\bparts=[2-9]/);
  }
  demo.child.kill('SIGINT');
  expect(await demo.exited).toBe(0);
  expect(demo.output()).toMatch(
    /In this run the proxy took 2,\d\d\d calls, sent \S+ requests to the pool, and so saved /,
  );
  expect(demo.output()).toMatch(/After the scenes it took 11 calls, and sent \d+ requests\.\n$/);
  expect(demo.errors()).toBe('');
}, 60_000);

test('demo needs addresses for --listen and --admin', async () => {
  expect(await run('demo', '--listen', 'x', '--admin', 'y', '--seconds', '0')).toMatchObject({
    ...{ code: 2, stdout: '' },
    stderr: expect.stringMatching(/^--listen: expected .*\n--admin: expected .*\n$/),
  });
});

/** Expects the rows and sentences that README.md shows, apart from their numbers. */
function expectSample(stdout: string): void {
  const file = new URL('../../README.md', import.meta.url);
  const block = /(?<=^```text\n)[^]*?(?=\n```$)/m;
  const [, scene = ''] = /^(An app starts: [^]*?)\n\nOne slow route: /m.exec(stdout) ?? [];
  if (process.env['UPDATE_README'] === '1') {
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(block, () => scene),
    );
  }
  // Whether work falls and callers wait depends on the machine.
  const masked = (text: string): string =>
    text.replace(/(work|waited) .*/g, '$1 …').replace(/ *[\d.]+/g, ' #');
  const [shown = ''] = block.exec(readFileSync(file, 'utf8')) ?? [];
  expect(masked(shown)).toBe(masked(scene));
}

/** Runs a command line, and returns its output. */
function shell(line: string): Promise<string> {
  return promisify(execFile)('sh', ['-c', line], { timeout: 30_000 }).then(({ stdout }) => stdout);
}

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
