import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { readAdmin } from '../../support/metric-values.ts';
import { onlyWith } from '../../support/real-parts.ts';
import { startPool } from '../../support/pool.ts';
import { startProxy } from '../../support/proxy.ts';
import { chartFolder, testWithHelm } from '../support/helm.ts';
import { run } from '../support/processes.ts';
import { expectMetricsOf } from './known-metrics.ts';
import { renderRules } from './rules.ts';

const testWithPromtool = onlyWith('promtool');

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly fieldConfig?: { readonly defaults: { readonly unit: string } };
  readonly targets?: ReadonlyArray<{ readonly expr: string; readonly datasource: { uid: string } }>;
}
interface Dashboard {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: ReadonlyArray<{ readonly name: string }> };
}

const file = join(chartFolder('ucwa-batch-proxy'), 'dashboards/ucwa-batch-proxy.json');
const dashboard = JSON.parse(readFileSync(file, 'utf8')) as Dashboard;
const expressions = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

test("the dashboard has rows for an operator's questions, in this order", () => {
  const rows = dashboard.panels.filter(({ type }) => type === 'row').map(({ title }) => title);
  expect(rows).toEqual([
    'Is it up?',
    'What does it save?',
    'What do callers pay?',
    'Is the pool refusing?',
    'Is something stuck?',
    'Is it big enough?',
  ]);
});

test('every panel has its own id, a description, a unit and a data source', () => {
  const ids = dashboard.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { type, description, fieldConfig, targets } of dashboard.panels) {
    if (type === 'row') continue;
    expect(description).toMatch(/\.$/);
    expect(fieldConfig?.defaults.unit).toMatch(/./);
    for (const { datasource } of targets!) expect(datasource.uid).toBe('${datasource}');
  }
  expect(dashboard.templating.list.map(({ name }) => name)).toEqual([
    'datasource',
    'namespace',
    'job',
  ]);
});

test('every metric that the dashboard names exists in the program, with those labels', async () => {
  expect(expressions.length).toBeGreaterThan(30);
  await expectMetricsOf(expressions);
});

testWithHelm(
  'every metric that a rule names exists in the program, with those labels',
  async () => {
    const { rules } = await renderRules();
    await expectMetricsOf(rules.map(({ expr }) => expr));
  },
);

testWithHelm('thresholds on percentiles are below the highest bucket bound', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url);
  const { body } = await readAdmin(proxy.ports.admin, '/metrics');
  const { rules } = await renderRules();
  const percentiles = rules.filter(({ alert }) => /HoldTooLong|QueueTooLong/.test(alert ?? ''));
  expect(percentiles).toHaveLength(2);
  for (const { expr } of percentiles) {
    const metric = expr.includes('queue') ? 'ucwa_proxy_queue_seconds' : 'ucwa_proxy_hold_seconds';
    const bounds = [...body.matchAll(new RegExp(`^${metric}_bucket\\{.*?le="([0-9.]+)"`, 'gm'))];
    const last = Math.max(...bounds.map(([, bound]) => Number(bound)));
    expect(Number(/> (\S+)$/.exec(expr)?.[1])).toBeLessThan(last);
  }
});

testWithPromtool('every expression of the dashboard is valid', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ucwa-dashboard-'));
  const rules = expressions.map((expr, index) => ({
    record: `panel:expression:${index}`,
    expr: expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$(?:namespace|job)/g, 'x'),
  }));
  const rulesFile = join(folder, 'rules.yaml');
  writeFileSync(rulesFile, stringify({ groups: [{ name: 'dashboard', rules }] }));
  const { code, stderr } = await run('promtool', ['check', 'rules', rulesFile]);
  rmSync(folder, { recursive: true });
  expect([code, stderr]).toEqual([0, '']);
});
