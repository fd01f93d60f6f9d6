import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
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
  readonly fieldConfig?: {
    readonly defaults: {
      readonly unit: string;
      readonly thresholds?: { readonly steps: ReadonlyArray<{ readonly value: number | null }> };
    };
  };
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
    'What would it save? (mode shadow)',
    'Does it change anything?',
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

test('the dashboard shows every metric of the program', async () => {
  const proxy = await startProxy((await startPool()).url);
  const { body } = await readAdmin(proxy.ports.admin, '/metrics');
  const names = [...body.matchAll(/^# TYPE (ucwa_proxy_\w+) /gm)].map(([, name = '']) => name);
  const shown = expressions.join('\n');
  expect(names.filter((name) => !new RegExp(`\\b${name}(?:_bucket|_sum)?\\{`).test(shown))).toEqual(
    [],
  );
});

test('the thresholds of panels are those of the alerts', () => {
  const { thresholds } = (
    parse(readFileSync(join(chartFolder('ucwa-batch-proxy'), 'values.yaml'), 'utf8')) as {
      metrics: { prometheusRule: { thresholds: Readonly<Record<string, number>> } };
    }
  ).metrics.prometheusRule;
  const last = (title: string) =>
    dashboard.panels
      .find((panel) => panel.title === title)!
      .fieldConfig!.defaults.thresholds!.steps.at(-1)!.value;
  expect({
    failed: last('Calls failing'),
    queueSeconds: last('Queue, 99th percentile'),
    refusedByPool: last('429 of the pool'),
    learnedLimit: last('Learned limit'),
    cpu: last('CPU'),
    eventLoopLagSeconds: last('Event loop lag, 99th percentile'),
  }).toEqual({
    failed: thresholds['failed'],
    queueSeconds: thresholds['queueSeconds'],
    refusedByPool: thresholds['refusedByPool'],
    learnedLimit: thresholds['learnedLimit'],
    cpu: thresholds['cpu'],
    eventLoopLagSeconds: thresholds['eventLoopLagSeconds'],
  });
});

testWithPromtool('percentiles of whole numbers are numbers that can occur', async () => {
  // All batches have two parts, all pieces and all limits are one: the smallest values of each.
  const least = {
    ucwa_proxy_batch_parts: ['2', 2],
    ucwa_proxy_shadow_batch_parts: ['2', 2],
    ucwa_proxy_split_parts: ['1', 1],
    ucwa_proxy_learned_limit: ['1', 1],
  } as const;
  const labels = 'namespace="x",job="x"';
  const series = Object.entries(least).flatMap(([metric, [le]]) =>
    [le, '3', '+Inf'].map((bound) => ({
      series: `${metric}_bucket{${labels},le="${bound}"}`,
      values: '0+60x20',
    })),
  );
  const tests = expressions.flatMap((expr) => {
    const metric = /histogram_quantile.*(ucwa_proxy_\w+)_bucket/.exec(expr)?.[1] ?? '';
    const value = (least as Readonly<Record<string, readonly [string, number]>>)[metric]?.[1];
    if (value === undefined) return [];
    const asked = expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$(?:namespace|job)/g, 'x');
    return [{ expr: asked, eval_time: '15m', exp_samples: [{ labels: '{}', value }] }];
  });
  expect(tests).toHaveLength(8);
  const folder = mkdtempSync(join(tmpdir(), 'ucwa-percentiles-'));
  writeFileSync(join(folder, 'rules.yaml'), 'groups: []\n');
  const file = join(folder, 'tests.yaml');
  const one = { interval: '1m', input_series: series, promql_expr_test: tests };
  writeFileSync(file, stringify({ rule_files: ['rules.yaml'], tests: [one] }));
  const { code, stdout, stderr } = await run('promtool', ['test', 'rules', file]);
  rmSync(folder, { recursive: true });
  expect([code, stdout + stderr]).toEqual([0, expect.stringContaining('SUCCESS')]);
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
