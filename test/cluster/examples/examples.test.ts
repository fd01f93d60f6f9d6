import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { loadServeSettings } from '../../../src/settings/load-settings.ts';
import { onlyWith } from '../../support/real-parts.ts';
import { run } from '../support/processes.ts';

const place = (name: string): string =>
  fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url));
const testWithSystemd = onlyWith('systemd-analyze');

interface Compose {
  readonly services: Readonly<
    Record<
      string,
      { readonly environment: Record<string, string>; readonly stop_grace_period: string }
    >
  >;
}

testWithSystemd('systemd accepts the unit, and rates its isolation as good', async () => {
  const unit = place('ucwa-batch-proxy.service');
  expect(await run('systemd-analyze', ['verify', unit])).toEqual({
    code: 0,
    stdout: '',
    stderr: '',
  });
  // In tenths: 20 is "OK". A unit without any isolation has 96.
  const args = ['security', '--offline=yes', '--threshold=20', '--no-pager', unit];
  expect((await run('systemd-analyze', args)).code).toBe(0);
});

test('the unit gives the program more time to stop than the drain takes by default', () => {
  const [, seconds = ''] = /^TimeoutStopSec=(\d+)$/m.exec(
    readFileSync(place('ucwa-batch-proxy.service'), 'utf8'),
  )!;
  const loaded = loadServeSettings({
    flags: { upstream: 'http://a' },
    env: {},
    readFile: () => '',
  });
  if (!loaded.ok) throw new Error(loaded.problems.join());
  const { delayMs, timeoutMs } = loaded.settings.drain;
  expect(Number(seconds) * 1000).toBeGreaterThan(delayMs + timeoutMs);
});

test('the compose file uses existing settings, and gives the containers enough time to stop', () => {
  const { services } = parse(readFileSync(place('compose.yaml'), 'utf8')) as Compose;
  const service = services['ucwa-batch-proxy']!;
  const env = { ...service.environment, UCWA_PROXY_UPSTREAM_URL: 'https://lyncweb.example.com' };
  const loaded = loadServeSettings({ flags: {}, env, readFile: () => '' });
  expect(loaded).toMatchObject({ ok: true, warnings: [] });
  if (!loaded.ok) return;
  const { delayMs, timeoutMs } = loaded.settings.drain;
  expect(parseInt(service.stop_grace_period, 10) * 1000).toBeGreaterThan(delayMs + timeoutMs);
  expect(service).toMatchObject({
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
  });
});
