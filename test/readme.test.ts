/** The tables of README.md and docs/ that are made from code; UPDATE_README=1 writes them anew. */
import { expect, test } from '@jest/globals';
import { createMetrics } from '../src/metrics/metrics.ts';
import {
  describeLists,
  describeSettings,
  type SettingRow,
} from '../src/settings/describe-settings.ts';
import { expectSection } from './docs/markdown.ts';
import { measuredRows, readBenchmarks } from './docs/measured.ts';
import { noHealth } from './support/no-health.ts';
import { noProof } from './support/no-proof.ts';
import { phoneLines } from './docs/phone.ts';
import { failures } from './e2e/failure-table.ts';

/** The settings that README.md shows. */
const tenSettings = [
  'upstream.url',
  'listen.address',
  'listen.tls.cert',
  'listen.trustedProxies',
  'admin.address',
  'upstream.connectionAuth',
  'upstream.passThroughIdleMs',
  'batching.mode',
  'batching.lingerMaxMs',
  'batching.maxParts',
];

type Row = Omit<SettingRow, 'flag' | 'env'> & { readonly flag?: string | undefined };

function settingsTable(rows: readonly Row[]): string[] {
  const code = (text: string): string => `\`${text}\``;
  return [
    '| key | default | flag | meaning |',
    '| --- | --- | --- | --- |',
    ...rows.map(({ key, defaultValue, flag, meaning }) => {
      const shown = typeof defaultValue === 'string' ? defaultValue : JSON.stringify(defaultValue);
      const cells = [
        code(key),
        defaultValue === undefined ? 'none' : code(shown),
        flag === undefined ? '' : code(`--${flag}`),
        meaning.replaceAll('|', '\\|'),
      ];
      return `| ${cells.join(' | ')} |`;
    }),
  ];
}

test('the table of settings is that of the schema', async () => {
  const items = describeLists().flatMap(({ items: own }) => own);
  await expectSection(
    'docs/settings.md',
    'settings',
    settingsTable([...describeSettings(), ...items]),
  );
});

test('the ten settings of README.md are those of the schema', async () => {
  const rows = describeSettings();
  const chosen = tenSettings.map((key) => rows.find((row) => row.key === key)!);
  expect(chosen).not.toContain(undefined);
  await expectSection('README.md', 'settings', settingsTable(chosen));
});

test('the measured numbers of README.md are those of the benchmarks', async () => {
  await expectSection('README.md', 'measured', measuredRows());
});

test('the sentence of README.md about the phone has the numbers of its picture', async () => {
  await expectSection('README.md', 'phone', phoneLines());
  expect(() => phoneLines({ minutes: 8, scenes: [] })).toThrow('8 minutes');
  expect(() => phoneLines({ minutes: 60, scenes: [] })).toThrow('no results of "HTTP/1.1, direct"');
});

test('a number that the benchmarks do not have is an error', () => {
  const cell = readBenchmarks('## One\n\n| a | b |\n| - | - |\n| x | 1 (0–2) |\n\n## Two\n');
  expect(cell('One', 'x', 'b')).toBe('1');
  for (const [heading, row, column] of [
    ['Two', 'x', 'b'],
    ['One', 'y', 'b'],
    ['One', 'x', 'c'],
  ] as const) {
    expect(() => cell(heading, row, column)).toThrow(/no cell/);
  }
});

test('the table of metrics is that of the registry', async () => {
  const none = (): number => 0;
  const text = await createMetrics('0', {
    heldCalls: none,
    outstandingCalls: none,
    users: () => ({ active: 0, idle: 0 }),
    longPolls: none,
    clientConnections: none,
    upstreamConnections: none,
    boundConnections: none,
    health: noHealth,
    ...noProof,
    config: { hash: '0', loadedMs: 0, lastReload: { problems: [] } },
    servers: () => ({ active: 1, fallback: 0, trial: 0, ejected: 0 }),
    limits: () => ({ maxUsers: 1 }),
  }).render();
  const rows = [...text.matchAll(/^# HELP (ucwa_proxy_\S+) (.*)\n# TYPE \S+ (\S+)\n(.*)$/gm)].map(
    ([, name = '', help = '', type = '', sample = '']) => {
      const labels = [...sample.matchAll(/[{,](\w+)="/g)].map((match) => match[1] ?? '');
      const own = labels.filter((label) => label !== 'le');
      const shown = own.length === 0 ? name : `${name}{${own.join(',')}}`;
      return `| \`${shown}\` | ${type} | ${help} |`;
    },
  );
  await expectSection('docs/metrics.md', 'metrics', [
    '| metric | type | meaning |',
    '| --- | --- | --- |',
    ...rows,
  ]);
});

test('the table of failures is the one that is tried on the simulated pool', async () => {
  await expectSection('docs/failures.md', 'failures', [
    '| when … | a GET | a POST, PUT or DELETE |',
    '| --- | --- | --- |',
    ...failures.map(({ when, read, write }) => `| ${when} | ${read.text} | ${write.text} |`),
  ]);
});
