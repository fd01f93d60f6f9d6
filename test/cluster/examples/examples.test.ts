import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { loadServeSettings } from '../../../src/settings/load-settings.ts';
import { onlyWith } from '../../support/real-parts.ts';
import { run } from '../support/processes.ts';

const place = (name: string): string =>
  fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url));
const testWithSystemd = onlyWith('systemd-analyze');
/** The first port that needs no capability. */
const freePorts = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
const testWithSetpriv =
  process.getuid?.() === 0 && freePorts > 443 ? onlyWith('setpriv') : test.skip;

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

/** The drop-in for low ports in the comment of the unit. */
const lowPorts = (text: string): string =>
  [...text.matchAll(/^# {3}(.*)$/gm)]
    .map(([, line = '']) => line)
    .filter((line) => /^(?:\[Service\]|CapabilityB|Ambient|PrivateUsers)/.test(line))
    .join('\n');

testWithSystemd(
  'the unit is still isolated with the drop-in for the ports 443 and 80',
  async () => {
    const text = readFileSync(place('ucwa-batch-proxy.service'), 'utf8');
    const dropIn = lowPorts(text);
    expect(dropIn).toContain('AmbientCapabilities=CAP_NET_BIND_SERVICE');
    const folder = mkdtempSync(join(tmpdir(), 'ucwa-unit-'));
    const unit = join(folder, 'ucwa-batch-proxy.service');
    // Later assignments add capabilities, and a drop-in comes after the unit.
    writeFileSync(unit, text.replace('\n[Install]', `\n${dropIn}\n[Install]`));
    const verified = await run('systemd-analyze', ['verify', unit]);
    const args = ['security', '--offline=yes', '--threshold=25', '--no-pager', unit];
    const { code, stdout } = await run('systemd-analyze', args);
    rmSync(folder, { recursive: true });
    expect(verified).toEqual({ code: 0, stdout: '', stderr: '' });
    expect([code, stdout]).toEqual([0, stdout]);
  },
);

testWithSetpriv(
  'the program can listen at port 443 with this capability alone, and not without it',
  async () => {
    const script =
      "require('node:net').createServer().on('error', (e) => console.log(e.code)).listen(443, '127.0.0.1', function () { console.log('open'); this.close() })";
    const node = [process.execPath, '-e', script];
    const bare = ['--reuid', '10001', '--regid', '10001', '--clear-groups'];
    const rights = [
      '--inh-caps',
      '-all,+net_bind_service',
      '--bounding-set',
      '-all,+net_bind_service',
      '--ambient-caps',
      '+net_bind_service',
    ];
    expect((await run('setpriv', [...bare, ...rights, ...node])).stdout.trim()).toBe('open');
    expect((await run('setpriv', [...bare, ...node])).stdout.trim()).toBe('EACCES');
  },
);

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
