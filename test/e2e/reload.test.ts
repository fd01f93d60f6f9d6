/** The program reads its settings file again: on SIGHUP, and when the file changes. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMetrics } from '../support/metric-values.ts';
import { startPool } from '../support/pool.ts';
import { Program, type Started } from '../support/program.ts';
import { notes, UcwaClient } from '../support/ucwa-client.ts';

let program: Program;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reload-'));
  program = await Program.install();
});
afterAll(() => {
  program.remove();
  rmSync(folder, { recursive: true });
});

const serving = /"listen":"127\.0\.0\.1:(\d+)","admin":"127\.0\.0\.1:(\d+)"/;

async function serve(name: string, args: readonly string[], text?: string) {
  const file = join(folder, name);
  if (text !== undefined) writeFileSync(file, text);
  const started = await program.start(serving, [
    ...['serve', '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
    ...(text === undefined ? args : ['--config', file, ...args]),
  ]);
  const [port, adminPort] = started.match.slice(1).map(Number) as [number, number];
  return {
    ...started,
    file,
    client: new UcwaClient(`http://127.0.0.1:${port}`),
    metrics: () => readMetrics(adminPort),
  };
}

function hangUp({ child }: Started): void {
  child.kill('SIGHUP');
}

test('a changed file changes the settings, an invalid one is refused whole, and SIGHUP reads it', async () => {
  const pool = await startPool();
  const text = (batching: string): string =>
    `upstream: { url: ${pool.url} }\nbatching: { ${batching} }\ndrain: { delayMs: 500 }\n`;
  const proxy = await serve('proxy.yaml', [], text('mode: fixed, lingerMaxMs: 200'));
  const { client } = proxy;
  await client.askAll(notes(3));
  expect(pool.stats()).toMatchObject({ requests: 1, batches: 1 });

  writeFileSync(join(folder, 'new'), text('mode: off, lingerMaxMs: 20'));
  renameSync(join(folder, 'new'), proxy.file);
  await proxy.until(
    /"cause":"file","keys":"batching\.mode batching\.lingerMaxMs","hash":"[\da-f]{12}"/,
  );
  await client.askAll(notes(3));
  expect(pool.stats()).toMatchObject({ requests: 4, batches: 1 });

  // One of the two mistakes would be enough. The valid mode beside them is refused too.
  writeFileSync(proxy.file, text('mode: fixed, maxParts: 0, linger: 1'));
  await proxy.until(/"cause":"file","problems":2,"msg":"the settings are refused/);
  await proxy.until(/proxy\.yaml:2:\d+ batching\.maxParts: expected a whole number/);
  await client.askAll(notes(3));
  expect(pool.stats()).toMatchObject({ requests: 7, batches: 1 });
  const refused = await proxy.metrics();
  expect(refused.get('ucwa_proxy_config_last_reload_successful')).toBe(0);

  hangUp(proxy);
  await proxy.until(/"cause":"SIGHUP","problems":2/);
  // The flag --listen overrides the file, and the connections to the pool need a restart.
  writeFileSync(proxy.file, `${text('mode: off')}listen: { address: 127.0.0.1:1, h2c: true }\n`);
  await proxy.until(/"keys":"listen\.h2c","msg":"some settings need a restart to change"/);
  const accepted = await proxy.metrics();
  expect(accepted.get('ucwa_proxy_config_last_reload_successful')).toBe(1);

  // The delay of the drain gives time for a SIGHUP in it.
  proxy.child.kill('SIGTERM');
  await proxy.until(/"msg":"stopping"/);
  hangUp(proxy);
  await proxy.until(/SIGHUP has no effect while the proxy stops/);
  expect(await proxy.exited).toBe(0);
});

test('SIGHUP without a file, once or many times, ends nothing', async () => {
  const pool = await startPool();
  const proxy = await serve('none', ['--upstream', pool.url]);
  for (let times = 0; times < 20; times += 1) hangUp(proxy);
  await proxy.until(/the settings were read: none has changed/);
  const [answer] = await proxy.client.askAll(notes(1));
  expect(answer?.status).toBe(200);
  proxy.child.kill('SIGTERM');
  expect(await proxy.exited).toBe(0);
});
