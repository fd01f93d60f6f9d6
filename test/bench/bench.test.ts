import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { check, resolveConfig } from 'prettier';
import { onlyWith } from '../support/real-parts.ts';
import { benchPath, newFolder, runBench, startBench } from './run-bench.ts';

const short = ['--rounds', '2', '--round-ms', '40'];

interface Measured {
  readonly name: string;
  readonly peers: ReadonlyArray<{
    readonly name: string;
    readonly rounds: ReadonlyArray<Record<string, number>>;
  }>;
}

/**
 * Runs `steady-reads` with these peers.
 *
 * @returns the measured rounds of each peer
 */
async function roundsOf(peers: readonly string[], roundMs = 40) {
  const json = join(await newFolder(), 'result.json');
  const args = peers.flatMap((name) => ['--peer', name]);
  const { code, stderr } = await runBench([
    ...args,
    '--rounds',
    '2',
    '--round-ms',
    String(roundMs),
    '--json',
    json,
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { measured } = JSON.parse(await readFile(json, 'utf8')) as { measured: Measured[] };
  expect(measured.map(({ name }) => name)).toEqual(['steady-reads']);
  return new Map(measured[0]!.peers.map(({ name, rounds }) => [name, rounds]));
}

const all = (rounds: ReadonlyArray<Record<string, number>> | undefined, figure: string) =>
  rounds?.map((round) => round[figure]);

describe('the benchmark', () => {
  test('counts one upstream request per call of a proxy that does not batch', async () => {
    const measured = await roundsOf(['http-proxy', 'bare-node']);
    for (const name of ['http-proxy', 'bare-node']) {
      const rounds = measured.get(name);
      expect(all(rounds, 'upstreamRequestsPerCall')).toEqual([1, 1]);
      expect(Math.min(...rounds!.map((round) => round['calls'] ?? 0))).toBeGreaterThan(0);
      expect(Math.min(...rounds!.map((round) => round['cpuMicrosPerCall'] ?? 0))).toBeGreaterThan(
        0,
      );
    }
  });

  test('counts no upstream requests of a server without a pool, and no CPU if nothing is in between', async () => {
    const measured = await roundsOf(['answers-itself', 'direct']);
    expect(all(measured.get('answers-itself'), 'upstreamRequestsPerCall')).toEqual([0, 0]);
    expect(all(measured.get('direct'), 'upstreamRequestsPerCall')).toEqual([1, 1]);
    expect(all(measured.get('direct'), 'cpuMicrosPerCall')).toEqual([0, 0]);
  });

  test('tells the ratio of the CPU with traces to that without, of each start', async () => {
    const json = join(await newFolder(), 'result.json');
    const part = ['--only', 'traces', '--peer', 'bare-node'];
    const oneStart = ['--rounds', '1', '--round-ms', '20'];
    const { code, stdout } = await runBench([...part, ...oneStart, '--json', json]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Note: traces cost \d+\.\d{3}, which is (?:within|above) 1\.03\.$/m);
    // The peer sends no traces.
    expect(stdout).toContain('Note: the collector took no span');
    const { measured } = JSON.parse(await readFile(json, 'utf8')) as {
      measured: ReadonlyArray<Measured & { readonly costs: readonly number[] }>;
    };
    const [{ costs, peers }] = measured as [(typeof measured)[0]];
    expect([costs.length, costs.every((cost) => cost > 0)]).toEqual([1, true]);
    expect(peers.map(({ rounds }) => rounds.length)).toEqual([5, 5]);
    // Six processes take long to start on a busy machine.
  }, 60_000);

  describe.each(['nginx', 'haproxy'])('with %s', (name) => {
    const testWithBalancer = onlyWith(name);

    testWithBalancer('counts the CPU of its own process', async () => {
      const rounds = (await roundsOf([name], 200)).get(name);
      expect(all(rounds, 'upstreamRequestsPerCall')).toEqual([1, 1]);
      // Linux counts in steps of 10 ms, and both rounds have at least 2,000 calls.
      const cpu = all(rounds, 'cpuMicrosPerCall') as number[];
      expect(Math.max(...cpu)).toBeGreaterThan(0);
      expect(Math.max(...cpu)).toBeLessThan(2000);
    });
  });

  test('leaves out programs that are not installed, and reports them', async () => {
    const env = { ...process.env, PATH: await newFolder() };
    const peers = ['--peer', 'nginx', '--peer', 'direct'];
    const { code, stdout } = await runBench([...peers, ...short], env);
    expect(code).toBe(0);
    expect(stdout).toContain('Note: nginx is left out: setpriv, nginx not found.');
  });

  test('fails when a caller gets the answer to another call', async () => {
    const { code, stderr } = await runBench([
      ...['--peer', benchPath('fixtures/swaps-answers.js')],
      ...short,
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/the benchmark failed: load generator: \S+ got a wrong body/);
  });

  test('ends its processes when it is interrupted', async () => {
    const { child, stderr, closed } = startBench([
      '--peer',
      benchPath('fixtures/never-answers.js'),
    ]);
    child.stdout!.resume();
    expect(String(await once(stderr, 'data'))).toContain('a call has come');
    child.kill('SIGINT');
    expect(await closed).toEqual([130, null]);
  });

  test('reports errors in its arguments', async () => {
    const { code, stderr } = await runBench(['--peer', 'nobody']);
    expect(code).toBe(2);
    expect(stderr).toContain('no peer is named nobody');
  });

  test('writes a report with its plots to the given folder', async () => {
    const folder = await newFolder();
    const { stdout } = await runBench(['--peer', 'direct', ...short, '--docs', folder]);
    const report = await readFile(join(folder, 'benchmarks.md'), 'utf8');
    const plots = [...report.matchAll(/\]\((.+\.svg)\)/g)].map((match) => match[1]);
    expect(plots).toHaveLength(2);
    expect((await readdir(folder)).sort()).toEqual([...plots, 'benchmarks.md'].sort());
    expect(await readFile(join(folder, plots[0]!), 'utf8')).toMatch(
      /^<svg [^]*>direct<[^]*<\/svg>\n$/,
    );
    expect(report).toContain('`npm run bench -- --only steady-reads`');
    expect(report).toContain(`Node ${process.version}`);
    for (const line of report.split('\n')) expect(stdout).toContain(line);
    const file = new URL('../../docs/benchmarks.md', import.meta.url);
    const options = { ...(await resolveConfig(file)), parser: 'markdown' };
    expect(await check(report, options)).toBe(true);
  });

  test('writes the report to docs/ only if it measures everything at the usual length', async () => {
    interface Arguments {
      readonly readArguments: (argv: readonly string[], root: URL) => { docs: string | undefined };
    }
    const { readArguments } = (await import(benchPath('arguments.js'))) as Arguments;
    const docsOf = (...argv: readonly string[]) =>
      readArguments(argv, new URL('file:///project/')).docs;
    expect(docsOf()).toBe('/project/docs');
    expect(docsOf('--json', 'all.json')).toBe('/project/docs');
    expect(docsOf('--quick')).toBeUndefined();
    expect(docsOf('--only', 'users')).toBeUndefined();
    expect(docsOf('--peer', 'direct')).toBeUndefined();
    expect(docsOf('--rounds', '2')).toBeUndefined();
    expect(docsOf('--quick', '--docs', '/elsewhere')).toBe('/elsewhere');
  });
});

describe('statistics', () => {
  interface Statistics {
    percentile(ascending: readonly number[], share: number): number;
    spread(values: readonly number[]): { median: number; min: number; max: number };
    ratios(ours: readonly number[], theirs: readonly number[]): number[];
  }
  let statistics: Statistics;
  beforeEach(async () => {
    statistics = (await import(benchPath('report/statistics.js'))) as Statistics;
  });

  test('a percentile is the smallest value that is not below that share of the values', () => {
    const oneToHundred = Array.from({ length: 100 }, (_, index) => index + 1);
    const shares = [0, 0.5, 0.95, 0.99, 1];
    expect(shares.map((share) => statistics.percentile(oneToHundred, share))).toEqual([
      1, 50, 95, 99, 100,
    ]);
    expect(statistics.percentile([7], 0.99)).toBe(7);
    expect(statistics.percentile([], 0.5)).toBeNaN();
  });

  test('a spread has the middle value, or the mean of the two middle values', () => {
    expect(statistics.spread([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(statistics.spread([10, 4, 1, 2])).toEqual({ median: 3, min: 1, max: 10 });
    expect(statistics.spread([5])).toEqual({ median: 5, min: 5, max: 5 });
  });

  test('ratios pair the rounds in their order', () => {
    expect(statistics.ratios([1, 9], [2, 3])).toEqual([0.5, 3]);
    expect(() => statistics.ratios([1], [1, 2])).toThrow('1 rounds cannot be paired with 2');
  });
});
