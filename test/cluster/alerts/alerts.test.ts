import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { stringify } from 'yaml';
import { helmVersion, testWithHelm } from '../support/helm.ts';
import { run } from '../support/processes.ts';
import { renderRules } from './rules.ts';
import { situations, type Series } from './situations.ts';

const folder = mkdtempSync(join(tmpdir(), 'ucwa-alerts-'));
afterAll(() => rmSync(folder, { recursive: true }));
const rulesFile = join(folder, 'rules.yaml');
beforeAll(async () => {
  if (helmVersion !== undefined) writeFileSync(rulesFile, (await renderRules()).text);
});

const promtool = (...args: string[]) => run('promtool', args, { cwd: folder });

/** Fails with promtool's words unless exactly so many series of the alert fire at that minute. */
async function expectFiring(alert: string, series: Series, minute: number, count: number) {
  const expr = `count(ALERTS{alertname="${alert}",alertstate="firing"}) or vector(0)`;
  const test = {
    rule_files: [rulesFile],
    evaluation_interval: '1m',
    tests: [
      {
        interval: '1m',
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        promql_expr_test: [
          { expr, eval_time: `${minute}m`, exp_samples: [{ labels: '{}', value: count }] },
        ],
      },
    ],
  };
  const file = join(folder, 'test.yaml');
  writeFileSync(file, stringify(test));
  const { code, stdout, stderr } = await promtool('test', 'rules', file);
  expect([code, stderr + (code === 0 ? '' : stdout)]).toEqual([0, '']);
}

testWithHelm('promtool takes the rules', async () => {
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

testWithHelm('every alert says how bad it is, what happens and what to do', async () => {
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

describe.each(situations)('$alert', ({ alert, fires, quiet, minute = 25 }) => {
  testWithHelm('fires when it should', () => expectFiring(alert, fires, minute, 1));

  testWithHelm.each(Object.entries(quiet))('is quiet: %s', (_title, series) =>
    expectFiring(alert, series, minute, 0),
  );

  testWithHelm('is quiet where another release is in that state', () => {
    const foreign = Object.entries(fires).map(([name, values]) => {
      return [name.replaceAll('namespace="ucwa"', 'namespace="other"'), values];
    });
    // Nothing at all of ours is what this one is about.
    const count = alert === 'UcwaProxyAbsent' ? 1 : 0;
    return expectFiring(alert, Object.fromEntries(foreign) as Series, minute, count);
  });
});

describe('values of the chart', () => {
  testWithHelm('leave alerts out and label the others', async () => {
    const { rules } = await renderRules({
      'metrics.prometheusRule.disabled': ['UcwaProxyDown'],
      'metrics.prometheusRule.alertLabels': { team: 'phones' },
    });
    const alerts = rules.filter(({ alert }) => alert !== undefined);
    expect(alerts.map(({ alert }) => alert)).not.toContain('UcwaProxyDown');
    for (const { labels } of alerts) expect(labels).toMatchObject({ team: 'phones' });
  });

  testWithHelm('move thresholds with the settings that they are about', async () => {
    const { rules } = await renderRules({
      'config.batching.lingerMaxMs': 40,
      'config.limits.maxConnections': 1000,
    });
    const exprOf = (name: string) => rules.find(({ alert }) => alert === name)?.expr;
    expect(exprOf('UcwaProxyHoldTooLong')).toMatch(/> 0\.09$/);
    expect(exprOf('UcwaProxyConnectionsNearLimit')).toMatch(/> 800$/);
  });
});
