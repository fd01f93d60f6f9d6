/** h2spec, a suite of cases for servers of HTTP/2, runs against the whole proxy. */
import { execFile, spawnSync } from 'node:child_process';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import { onCleanup } from '../../support/cleanup.ts';
import { startPool } from '../../support/pool.ts';
import { startProxy } from '../../support/proxy.ts';
import { known, sometimes, withoutTls } from './known.ts';

const folder = mkdtempSync(join(tmpdir(), 'h2spec-'));
afterAll(() => rmSync(folder, { recursive: true }));
const program = join(folder, 'h2spec');
const module = fileURLToPath(new URL('h2spec', import.meta.url));
const built = spawnSync('go', ['build', '-o', program, 'github.com/summerwind/h2spec/cmd/h2spec'], {
  cwd: module,
  env: { ...process.env, GOFLAGS: '' },
  encoding: 'utf8',
});
const isBuilt = built.status === 0;
if (!isBuilt) process.stderr.write(`h2spec cannot be built: ${built.stderr || 'no go'}\n`);

/** Without Go, or without its module, the tests skip visibly. In CI they fail. */
const testWithH2spec = isBuilt || process.env['CI'] === 'true' ? test : test.skip;

/** Runs a part of h2spec. Returns the number of cases, and the titles of those that failed. */
async function run(
  part: string,
  port: number,
  ...flags: string[]
): Promise<{ cases: number; failed: string[] }> {
  const output = await new Promise<string>((resolve) => {
    const args = [part, '--port', String(port), '--timeout', '2', ...flags];
    execFile(program, args, { maxBuffer: 64 * 1024 * 1024 }, (_error, stdout) => resolve(stdout));
  });
  const failed = [...output.matchAll(/× \d+: (.+)$/gm)].map(([, title = '']) => title);
  return {
    cases: Number(/^(\d+) tests,/m.exec(output)?.[1] ?? 0),
    failed: [...new Set(failed)].sort(),
  };
}

const path = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url));
const tls = {
  UCWA_PROXY_LISTEN_TLS_CERT: path('server.pem'),
  UCWA_PROXY_LISTEN_TLS_KEY: path('server.key'),
};
const plain = { UCWA_PROXY_LISTEN_H2C: 'true' };
const quick = { UCWA_PROXY_UPSTREAM_TIMEOUT_MS: '2000', UCWA_PROXY_DRAIN_TIMEOUT_MS: '100' };

testWithH2spec.each([
  ['without TLS', plain, [], Object.keys({ ...known, ...sometimes, ...withoutTls })],
  ['with TLS', tls, ['--tls', '--insecure'], Object.keys({ ...known, ...sometimes })],
] as const)(
  'h2spec passes %s, but for the cases that node:http2 fails',
  async (_name, env, flags, expected) => {
    const proxy = await startProxy((await startPool()).url, { ...env, ...quick });
    expect(await run('generic', proxy.port, ...flags)).toEqual({ cases: 44, failed: [] });
    const { cases, failed } = await run('http2', proxy.port, ...flags);
    expect(cases).toBe(94);
    expect(failed.filter((title) => !expected.includes(title))).toEqual([]);
  },
);

testWithH2spec('a plain server of node:http2 fails the same cases', async () => {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.end('ok'));
  });
  server.on('sessionError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => server.close());
  const { failed } = await run('http2', (server.address() as AddressInfo).port);
  expect(failed).toEqual(expect.arrayContaining(Object.keys(known).sort()));
});
