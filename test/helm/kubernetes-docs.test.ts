import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { readAdmin } from '../support/metric-values.ts';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';

test('the table "What to watch" names every metric, and only labels that exist', async () => {
  const proxy = await startProxy((await startPool()).url);
  const { body } = await readAdmin(proxy.ports.admin, '/metrics');
  const page = readFileSync(new URL('../../docs/kubernetes.md', import.meta.url), 'utf8');
  const table = page.slice(page.indexOf('| you see'), page.indexOf('## Without Kubernetes'));
  const metrics = [...body.matchAll(/^# TYPE ucwa_proxy_(\w+) /gm)].map(([, name = '']) => name);
  expect(metrics.length).toBeGreaterThan(25);
  expect(metrics.filter((name) => !new RegExp(`\`${name}[\`{]`).test(table))).toEqual([]);
  for (const [, metric = '', label = ''] of table.matchAll(/`(\w+)\{(\w+="[^"]+")\}`/g)) {
    expect(metrics).toContain(metric);
    expect(body).toMatch(new RegExp(`^ucwa_proxy_${metric}\\w*\\{.*${label.replace('+', '\\+')}`, 'm'));
  }
});
