/** The command `demo`, which is `npm start`. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Program } from '../support/program.ts';

let program: Program;

beforeAll(() => {
  program = Program.install();
});

afterAll(() => program.remove());

test('demo says in words what three scenes cost, its commands show a batch, and Ctrl-C says what the run did', async () => {
  const demo = await program.start(/Serving until Ctrl-C/, [
    ...['demo', '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
  ]);
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
  expect(
    await program.run(['demo', '--listen', 'x', '--admin', 'y', '--seconds', '0']),
  ).toMatchObject({
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
