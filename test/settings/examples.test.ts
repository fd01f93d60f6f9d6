import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import {
  describeLists,
  describeSettings,
  type SettingRow,
} from '../../src/settings/describe-settings.ts';
import { jsonSchema } from '../../src/settings/json-schema.ts';
import { loadServeSettings, loadSettings } from '../../src/settings/load-settings.ts';

const folder = new URL('../../config/', import.meta.url);
const names = readdirSync(folder);
const textOf = (name: string) => readFileSync(new URL(name, folder), 'utf8');

const sources = (name: string) => ({ flags: { config: name }, env: {}, readFile: textOf });

function settingsIn(name: string) {
  const loaded = loadServeSettings(sources(name));
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  return loaded.settings;
}

test('config/ has these examples', () => {
  expect(names).toEqual([
    'development.yaml',
    'full.yaml',
    'kubernetes.yaml',
    'pools.yaml',
    'sidecar.yaml',
    'skype-for-business.yaml',
  ]);
});

describe('the example for', () => {
  test('Skype for Business has what Microsoft asks of a reverse proxy', () => {
    const { listen, pools, upstream } = settingsIn('skype-for-business.yaml');
    expect(listen).toMatchObject({ address: { port: 443 }, plain: { port: 80 } });
    expect(upstream.passThroughIdleMs).toBe(960_000);
    expect(pools.map(({ name, batching }) => [name, batching])).toEqual([
      ['front-end', true],
      ['office-online', false],
    ]);
    expect(pools[0]).toMatchObject({ health: { tcpPort: 5061 }, connectionAuth: 'bind' });
  });

  test('a sidecar accepts clients only from the pod, and probes and Prometheus from outside', () => {
    const { listen, admin } = settingsIn('sidecar.yaml');
    expect(listen.address.host).toBe('127.0.0.1');
    expect(admin.address.host).toBe('0.0.0.0');
  });

  test('Kubernetes accepts clients from outside, and states a grace period longer than the shutdown', () => {
    const { listen, admin, drain } = settingsIn('kubernetes.yaml');
    expect([listen.address.host, admin.address.host]).toEqual(['0.0.0.0', '0.0.0.0']);
    const [, graceSeconds] = /terminationGracePeriodSeconds must exceed .*: (\d+) here/s.exec(
      textOf('kubernetes.yaml'),
    )!;
    expect(Number(graceSeconds) * 1000).toBeGreaterThan(drain.delayMs + drain.timeoutMs);
  });

  test('several pools has the names of each, and sends an unknown name to none', () => {
    const { pools } = settingsIn('pools.yaml');
    expect(pools.map(({ name, batching }) => [name, batching])).toEqual([
      ['front-end', true],
      ['office-online', false],
    ]);
    expect(pools.flatMap(({ hosts }) => hosts)).not.toContain('*');
  });

  test('development uses the simulated pool', () => {
    expect(settingsIn('development.yaml').upstream.url).toBe('http://127.0.0.1:8090');
  });
});

describe('the full example', () => {
  test('has every setting with its default and the meaning from the schema', () => {
    if (process.env['UPDATE_README'] === '1')
      writeFileSync(new URL('full.yaml', folder), fullExample());
    expect(textOf('full.yaml')).toBe(fullExample());
  });

  test('loads as the defaults', () => {
    expect(loadSettings(sources('full.yaml'))).toEqual({
      ...loadSettings({ flags: {}, env: {}, readFile: () => '' }),
      given: expect.any(Map),
    });
  });
});

interface Section {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Section>>;
}

function fullExample(): string {
  const lines = [
    '# Every setting with its default. A setting without a default is a comment.',
    '# A file needs only the settings that differ. "ucwa-batch-proxy check-config --config FILE" checks it.',
  ];
  let open: string[] = [];
  for (const row of describeSettings()) {
    const sections = row.key.split('.').slice(0, -1);
    sections.forEach((name, depth) => {
      if (open.slice(0, depth + 1).join('.') === sections.slice(0, depth + 1).join('.')) return;
      const indent = '  '.repeat(depth);
      lines.push('', `${indent}# ${meaningOf(sections.slice(0, depth + 1))}`, `${indent}${name}:`);
    });
    open = sections;
    lines.push(...settingLines(row, '  '.repeat(sections.length)));
  }
  for (const { key, meaning, items } of describeLists()) {
    lines.push('', `# ${key}: ${meaning}`);
    for (const row of items) lines.push(`# ${row.key}: ${row.meaning}`, `#   ${row.accepts}`);
  }
  return `${lines.join('\n')}\n`;
}

function meaningOf(path: readonly string[]): string {
  let section = jsonSchema() as Section;
  for (const name of path) section = section.properties![name]!;
  return section.description!;
}

function settingLines(
  { key, defaultValue, accepts, placeholder, meaning }: SettingRow,
  indent: string,
) {
  const name = key.split('.').at(-1)!;
  const line =
    defaultValue === undefined
      ? `# ${name}: ${placeholder}`
      : `${name}: ${typeof defaultValue === 'string' ? defaultValue : JSON.stringify(defaultValue)}`;
  return [`${indent}# ${meaning}`, `${indent}# ${accepts}`, `${indent}${line}`];
}
