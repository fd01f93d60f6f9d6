import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { format, resolveConfig } from 'prettier';
import { createMetrics } from '../src/metrics/metrics.ts';
import { describeSettings } from '../src/settings/describe-settings.ts';
import { failures } from './e2e/failure-table.ts';

const root = new URL('../', import.meta.url);
const file = new URL('README.md', root);
const readme = readFileSync(file, 'utf8');

/** Between the two comments of that name; written anew when UPDATE_README=1. */
async function expectSection(name: string, lines: readonly string[]): Promise<void> {
  const section = new RegExp(`(<!-- ${name} -->\n)[^]*(<!-- /${name} -->)`);
  const options = { ...(await resolveConfig(file)), parser: 'markdown' };
  const current = readFileSync(file, 'utf8');
  const generated = await format(
    current.replace(
      section,
      (_, start: string, end: string) => `${start}\n${lines.join('\n')}\n\n${end}`,
    ),
    options,
  );
  if (process.env['UPDATE_README'] === '1') writeFileSync(file, generated);
  expect(readFileSync(file, 'utf8')).toBe(generated);
}

test('every row of "Where is …?" names files that are there', () => {
  const [, table = ''] = readme.split('## Where is …?');
  const rows = table.split('\n').filter((line) => line.startsWith('| ') && line.includes('`'));
  expect(rows.length).toBeGreaterThan(10);
  for (const row of rows) {
    const files = [...row.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
    expect(files).toHaveLength(2);
    for (const path of files) expect([path, existsSync(new URL(path, root))]).toEqual([path, true]);
  }
});

test('every link to a file leads to one', () => {
  const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map((match) => match[1] ?? '');
  expect(links.length).toBeGreaterThan(3);
  for (const path of links) expect([path, existsSync(new URL(path, root))]).toEqual([path, true]);
});

test('the table of settings is that of the schema', async () => {
  const code = (text: string): string => `\`${text}\``;
  await expectSection('settings', [
    '| key | default | flag | meaning |',
    '| --- | --- | --- | --- |',
    ...describeSettings().map(({ key, defaultValue, flag, meaning }) => {
      const shown = typeof defaultValue === 'string' ? defaultValue : JSON.stringify(defaultValue);
      const cells = [
        code(key),
        defaultValue === undefined ? 'none' : code(shown),
        flag === undefined ? '' : code(`--${flag}`),
        meaning.replaceAll('|', '\\|'),
      ];
      return `| ${cells.join(' | ')} |`;
    }),
  ]);
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
  }).render();
  const rows = [...text.matchAll(/^# HELP (ucwa_proxy_\S+) (.*)\n# TYPE \S+ (\S+)\n(.*)$/gm)].map(
    ([, name = '', help = '', type = '', sample = '']) => {
      const labels = [...sample.matchAll(/[{,](\w+)="/g)].map((match) => match[1] ?? '');
      const own = labels.filter((label) => label !== 'le');
      const shown = own.length === 0 ? name : `${name}{${own.join(',')}}`;
      return `| \`${shown}\` | ${type} | ${help} |`;
    },
  );
  await expectSection('metrics', ['| metric | type | meaning |', '| --- | --- | --- |', ...rows]);
});

test('the table of failures is the one that is tried on the simulated pool', async () => {
  await expectSection('failures', [
    '| when … | a GET | a POST, PUT or DELETE |',
    '| --- | --- | --- |',
    ...failures.map(({ when, read, write }) => `| ${when} | ${read.text} | ${write.text} |`),
  ]);
});
