import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { stringify } from 'yaml';
import { helmVersion, testWithHelm } from '../support/helm.ts';
import { run } from '../support/processes.ts';
import { renderRules } from './rules.ts';
import { situations, type Series, type Situation } from './situations.ts';

const folder = mkdtempSync(join(tmpdir(), 'ucwa-alerts-'));
afterAll(() => rmSync(folder, { recursive: true }));
const rulesFile = join(folder, 'rules.yaml');
beforeAll(async () => {
  if (helmVersion !== undefined) writeFileSync(rulesFile, (await renderRules()).text);
});

const promtool = (...args: string[]) => run('promtool', args, { cwd: folder });

interface Case {
  readonly alert: string;
  readonly title: string;
  readonly series: Series;
  readonly minute: number;
  /** Number of series of the alert that fire in this case. */
  readonly firing: number;
}

const casesOf = ({ alert, fires, quiet, minute = 25 }: Situation): readonly Case[] => {
  const elsewhere = Object.entries(fires).map(([name, values]) => {
    return [name.replaceAll('namespace="ucwa"', 'namespace="other"'), values];
  });
  return [
    { alert, minute, title: 'fires when it should', series: fires, firing: 1 },
    ...Object.entries(quiet).map(([title, series]) => {
      return { alert, minute, title: `is quiet: ${title}`, series, firing: 0 };
    }),
    {
      ...{ alert, minute, title: 'is quiet where another release is in that state' },
      series: Object.fromEntries(elsewhere) as Series,
      // The case of UcwaProxyAbsent is the absence of all series.
      firing: alert === 'UcwaProxyAbsent' ? 1 : 0,
    },
  ];
};
const keyOf = ({ alert, title }: Case): string => `${alert} ${title}`;

/**
 * Tests these cases in one run of promtool.
 *
 * @returns the complaints of promtool, by case
 */
async function complaintsOf(
  cases: readonly Case[],
  evaluatedEvery: string,
): Promise<ReadonlyMap<string, string>> {
  const tests = cases.map((one) => {
    // No alert has the label "case", so this matches all series. promtool prints it with a failure.
    const selector = `alertname="${one.alert}",alertstate="firing",case!="${keyOf(one)}"`;
    const expr = `count(ALERTS{${selector}}) or vector(0)`;
    return {
      interval: '1m',
      input_series: Object.entries(one.series).map(([series, values]) => ({ series, values })),
      promql_expr_test: [
        { expr, eval_time: `${one.minute}m`, exp_samples: [{ labels: '{}', value: one.firing }] },
      ],
    };
  });
  const file = join(folder, `cases-${evaluatedEvery}.yaml`);
  writeFileSync(
    file,
    stringify({ rule_files: [rulesFile], evaluation_interval: evaluatedEvery, tests }),
  );
  const { code, stdout, stderr } = await promtool('test', 'rules', file);
  const said = stdout + stderr;
  const complaints = [...said.matchAll(/case!=\\"(.*?)\\".*\n.*exp:.*\n.*got:.*/g)];
  if ((code === 0) !== (complaints.length === 0))
    throw new Error(`promtool: exit ${code}\n${said}`);
  return new Map(complaints.map(([text, key = '']) => [key, text]));
}

const cases = situations.flatMap(casesOf);
// Evaluation of hours, minute by minute, would take long.
const isLong = ({ minute }: Case) => minute > 60;
const complaints = new Map<string, string>();
beforeAll(async () => {
  if (helmVersion === undefined) return;
  for (const found of await Promise.all([
    complaintsOf(cases.filter(isLong), '5m'),
    complaintsOf(
      cases.filter((one) => !isLong(one)),
      '1m',
    ),
  ])) {
    for (const [key, text] of found) complaints.set(key, text);
  }
}, 120_000);

testWithHelm('promtool accepts the rules', async () => {
  const { code, stderr } = await promtool(
    'check',
    'rules',
    '--lint=all',
    '--lint-fatal',
    rulesFile,
  );
  expect([code, stderr]).toEqual([0, '']);
});

testWithHelm(
  'every alert has a situation in which it fires and one in which it does not',
  async () => {
    const { rules } = await renderRules();
    const names = rules.flatMap(({ alert }) => (alert === undefined ? [] : [alert]));
    expect(names.length).toBeGreaterThan(15);
    expect(situations.map(({ alert }) => alert).sort()).toEqual([...names].sort());
  },
);

testWithHelm('every alert states its severity, the problem and the remedy', async () => {
  for (const { alert, labels, annotations } of (await renderRules()).rules) {
    if (alert === undefined) continue;
    expect([alert, labels?.['severity']]).toEqual([
      alert,
      expect.stringMatching(/^(critical|warning)$/),
    ]);
    expect(annotations?.['summary']).toMatch(/^.{20,}/);
    expect(annotations?.['description']).toMatch(/^.{5,}/);
  }
});

testWithHelm.each(cases.map((one) => [one.alert, one.title, keyOf(one)]))(
  '%s %s',
  (_alert, _title, key) => expect(complaints.get(key)).toBeUndefined(),
);

describe('values of the chart', () => {
  testWithHelm('give each alert a link to its section of the runbook', async () => {
    const base = 'https://git.example/runbook.md';
    const { rules } = await renderRules({ 'metrics.prometheusRule.runbookUrl': base });
    for (const { alert, annotations } of rules.filter((rule) => rule.alert !== undefined)) {
      expect(annotations?.['runbook_url']).toBe(`${base}#${alert!.toLowerCase()}`);
      expect(annotations).not.toHaveProperty('dashboard_url');
    }
  });

  testWithHelm('give each alert a link to the dashboard of its release', async () => {
    const { rules } = await renderRules({
      'metrics.prometheusRule.grafanaUrl': 'https://grafana.example/',
      'metrics.dashboard.uid': 'mine',
    });
    for (const { annotations } of rules.filter(({ alert }) => alert !== undefined)) {
      expect(annotations?.['dashboard_url']).toBe('https://grafana.example/d/mine');
    }
  });

  testWithHelm('remove alerts and label the others', async () => {
    const { rules } = await renderRules({
      'metrics.prometheusRule.disabled': ['UcwaProxyDown'],
      'metrics.prometheusRule.alertLabels': { team: 'phones' },
    });
    const alerts = rules.filter(({ alert }) => alert !== undefined);
    expect(alerts.map(({ alert }) => alert)).not.toContain('UcwaProxyDown');
    for (const { labels } of alerts) expect(labels).toMatchObject({ team: 'phones' });
  });

  testWithHelm('change thresholds together with the settings that they depend on', async () => {
    const { rules } = await renderRules({
      'config.batching.lingerMaxMs': 40,
    });
    const exprOf = (name: string) => rules.find(({ alert }) => alert === name)?.expr;
    expect(exprOf('UcwaProxyHoldTooLong')).toMatch(/> 0\.09$/);
  });
});
