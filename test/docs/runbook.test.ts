import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

const read = (file: string): string =>
  readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const page = read('docs/runbook.md');
const alerts = [
  ...read('helm/ucwa-batch-proxy/templates/_rules.tpl').matchAll(/- alert: (\w+)/g),
].map(([, name = '']) => name);
const sections = new Map(
  page
    .split(/^## (?=UcwaProxy)/m)
    .slice(1)
    .map((section) => {
      const [title = '', ...lines] = section.split('\n');
      return [title, lines.join('\n')];
    }),
);

test('the runbook has a section for each alert, in the order of the alerts', () => {
  expect(alerts.length).toBeGreaterThan(15);
  expect([...sections.keys()]).toEqual(alerts);
});

test.each(alerts)('the section of %s says what it means, where to look and what to do', (alert) => {
  const parts = sections.get(alert)!.split(/^\*\*(What it means|First look|What to do)\.\*\*/m);
  expect(parts.filter((_, i) => i % 2 === 1)).toEqual([
    'What it means',
    'First look',
    'What to do',
  ]);
  const [, , means = '', , look = '', , steps = ''] = parts;
  expect(means.trim().length).toBeGreaterThan(30);
  expect(look.trim().length).toBeGreaterThan(15);
  expect(steps.trim()).toMatch(/^- [^]*\n- /);
});

test('the runbook names metrics that exist', () => {
  const metrics = read('docs/metrics.md');
  const named = [
    ...page.matchAll(/`(\w+(?:_total|_seconds|_calls|_limit|_polls|connections))[`{]/g),
  ];
  expect(named.length).toBeGreaterThan(10);
  const unknown = named
    .map(([, name = '']) => name)
    .filter((name) => !name.startsWith('nodejs_') && !metrics.includes(`\`ucwa_proxy_${name}`));
  expect(unknown).toEqual([]);
});

test('the runbook shows the kill switch, and alerts about wrong batches lead to it', () => {
  const [, text = ''] = page.split('\n## Turn batching off\n');
  expect(text.split('\n## ')[0]).toMatch(
    /curl --request POST [^\n]*\/batching\?mode=off&minutes=\d+/,
  );
  for (const alert of ['UcwaProxyProtocolErrors', 'UcwaProxyPromiseBroken'])
    expect(sections.get(alert)).toContain('[kill switch](#turn-batching-off)');
});
