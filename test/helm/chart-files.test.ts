import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { format, resolveConfig } from 'prettier';
import { parse } from 'yaml';
import { describeSettings } from '../../src/settings/describe-settings.ts';
import { chartFile, valueRows, valuesSchema } from './chart-values.ts';
import { settingRules } from './setting-rules.ts';

const charts = ['ucwa-batch-proxy', 'ucwa-batch-sidecar'];
/** Prefixes of the names of templates. */
const prefixes: Readonly<Record<string, string>> = {
  'ucwa-batch-proxy': 'ucwa-batch-proxy',
  'ucwa-batch-sidecar': 'ucwa-batch',
};
const program = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string };

/** Expects the file to equal the generated text. UPDATE_README=1 writes the file first. */
function expectFile(chart: string, name: string, generated: string): void {
  const file = chartFile(chart, name);
  if (process.env['UPDATE_README'] === '1') writeFileSync(file, generated);
  expect(readFileSync(file, 'utf8')).toBe(generated);
}

describe.each(charts)('the chart %s', (chart) => {
  test('has a schema that refuses the settings that the program refuses', () => {
    expectFile(chart, 'values.schema.json', `${JSON.stringify(valuesSchema(chart), null, 2)}\n`);
  });

  test('has the rules of the program for settings that contradict each other', () => {
    expectFile(chart, 'templates/_settings.tpl', settingRules(prefixes[chart]!));
  });

  test('has a README with a table of its values', async () => {
    const file = chartFile(chart, 'README.md');
    const rows = valueRows(chart).map(({ key, defaultValue, meaning }) => {
      const shown = defaultValue.replaceAll('|', '\\|');
      const code = shown === '' ? '' : shown.startsWith('see ') ? shown : `\`${shown}\``;
      return `| \`${key}\` | ${code} | ${meaning.replaceAll('|', '\\|')} |`;
    });
    const table = ['| value | default | meaning |', '| --- | --- | --- |', ...rows].join('\n');
    const current = readFileSync(file, 'utf8');
    const section = /(<!-- values -->\n)[^]*(<!-- \/values -->)/;
    const generated = await format(
      current.replace(section, (_, start: string, end: string) => `${start}\n${table}\n\n${end}`),
      { ...(await resolveConfig(file)), parser: 'markdown' },
    );
    expectFile(chart, 'README.md', generated);
  });

  test('has the version of the program', () => {
    const { appVersion } = parse(readFileSync(chartFile(chart, 'Chart.yaml'), 'utf8')) as {
      appVersion: string;
    };
    expect(appVersion).toBe(program.version);
    const sidecar = readFileSync(chartFile('ucwa-batch-sidecar', 'templates/_sidecar.tpl'), 'utf8');
    expect(sidecar).toContain(`default "${program.version}"`);
  });
});

test('the templates use the same defaults as the program', () => {
  const templates = ['ucwa-batch-proxy/templates/_helpers.tpl', 'ucwa-batch-proxy/templates/_rules.tpl', 'ucwa-batch-proxy/templates/NOTES.txt']
    .map((name) => readFileSync(new URL(`../../helm/${name}`, import.meta.url), 'utf8'))
    .join('\n');
  const used = [...templates.matchAll(/\(list "(\w+)" "(\w+)"\) "default" (\d+)/g)];
  expect(used.length).toBeGreaterThan(4);
  const defaults = new Map(describeSettings().map((row) => [row.key, row.defaultValue]));
  for (const [, section, name, value] of used) {
    const key = `${section ?? ''}.${name ?? ''}`;
    expect([key, Number(value)]).toEqual([key, defaults.get(key)]);
  }
});
