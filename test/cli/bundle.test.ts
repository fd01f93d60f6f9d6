/** The bundle that `npm run build` writes, which is all that the image contains. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { onCleanup } from '../support/cleanup.ts';
import { readAdmin, readMetrics } from '../support/metric-values.ts';
import { startPool } from '../support/pool.ts';
import { Program } from '../support/program.ts';
import { notes, UcwaClient } from '../support/ucwa-client.ts';

const read = (path: string | URL) => readFileSync(path, 'utf8');
const batchesOfThree = {
  UCWA_PROXY_BATCHING_MODE: 'fixed',
  UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
  UCWA_PROXY_BATCHING_MAX_PARTS: '3',
};

let program: Program;
beforeAll(async () => {
  program = await Program.installBundle();
});
afterAll(() => program.remove());

test('the bundle batches, passes calls through, traces and shows its page, without any package', async () => {
  const pool = await startPool();
  const addresses = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
  const env = { ...batchesOfThree, UCWA_PROXY_TRACE_ENDPOINT: 'http://127.0.0.1:9' };
  const started = await program.start(
    /"listen":"(\S+?)","admin":"127.0.0.1:(\d+)"/,
    ['serve', '--upstream', pool.url, ...addresses],
    { env },
  );
  const client = new UcwaClient(`http://${started.match[1]!}`);
  const answers = await client.askAll(notes(3));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect((await client.ask('/')).status).toBe(200);
  const admin = Number(started.match[2]);
  const metrics = await readMetrics(admin);
  expect(metrics.get('ucwa_proxy_batch_parts_sum')).toBe(3);
  expect(metrics.get('ucwa_proxy_calls_total{via="passthrough",code="200"}')).toBe(1);
  expect((await readAdmin(admin, '/')).body).toContain('<html');
  started.child.kill('SIGTERM');
  expect(await started.exited).toBe(0);
  expect(started.output()).not.toContain('there are no traces');
});

test('a health check loads 50 KB at most, because it shares the memory limit of the proxy', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ucwa-batch-proxy-'));
  onCleanup(() => rmSync(folder, { recursive: true }));
  await program.run(['probe', 'http://127.0.0.1:1/'], { env: { NODE_V8_COVERAGE: folder } });
  const loaded = readdirSync(folder).flatMap((file) => {
    const { result } = JSON.parse(read(join(folder, file))) as { result: Array<{ url: string }> };
    return result.map(({ url }) => url).filter((url) => url.startsWith('file:'));
  });
  expect(loaded).toContainEqual(expect.stringContaining('/dist/bundle/probe-'));
  const sizes = loaded.map((url) => statSync(fileURLToPath(url)).size);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(50_000);
});

test('the bundle has the license of each package that it contains', () => {
  const licenses = read(program.path('bundle/LICENSES.txt'));
  const root = new URL('../../', import.meta.url);
  const { dependencies } = JSON.parse(read(new URL('package.json', root))) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies)) {
    const { version, license } = JSON.parse(
      read(new URL(`node_modules/${name}/package.json`, root)),
    ) as { version: string; license: string };
    expect(licenses).toContain(`${name} ${version}: ${license}\n\n`);
  }
  expect(licenses).toMatch(/^http-proxy 1[^]*?Copyright \(c\) 2010-2016 Charlie Robbins/m);
});

test('the source maps of the bundle name the files of src/, and stack traces name functions', () => {
  const name = readdirSync(program.path('bundle')).find((file) => /^serve-\w+\.js$/.test(file))!;
  expect(read(program.path(`bundle/${name}`))).toContain('function exitOnUncaught(');
  const map = JSON.parse(read(program.path(`bundle/${name}.map`))) as { sources: string[] };
  expect(map.sources).toContainEqual(expect.stringMatching(/src\/cli\/serve\.ts$/));
});
