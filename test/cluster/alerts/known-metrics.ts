/** Checks that the program has the metrics that a query names. */
import { fileURLToPath } from 'node:url';
import { expect } from '@jest/globals';
import { readAdmin } from '../../support/metric-values.ts';
import { startPool } from '../../support/pool.ts';
import { startProxy } from '../../support/proxy.ts';

const tlsFile = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url));

/** Names of all samples of a new proxy, with the names of their labels. */
async function metricLabels(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const pool = await startPool();
  // Without a certificate the time until it expires has no series.
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_LISTEN_TLS_CERT: tlsFile('server.pem'),
    UCWA_PROXY_LISTEN_TLS_KEY: tlsFile('server.key'),
  });
  const { body } = await readAdmin(proxy.ports.admin, '/metrics');
  const labels = new Map<string, Set<string>>();
  for (const [, name = '', inside = ''] of body.matchAll(/^([a-z]\w*)(?:\{(.*)\})? \S+$/gm)) {
    const known = labels.get(name) ?? new Set(['namespace', 'job', 'instance']);
    for (const [, label = ''] of inside.matchAll(/(\w+)="/g)) known.add(label);
    labels.set(name, known);
  }
  return labels;
}

/** The metrics in an expression, each with the labels that the expression uses. */
function asked(expr: string): Array<readonly [metric: string, labels: readonly string[]]> {
  const selectors = expr.matchAll(/\b((?:ucwa_proxy|nodejs|process)_\w+)(?:\{([^}]*)\})?/g);
  return [...selectors].map(([, metric = '', inside = '']) => {
    return [metric, [...inside.matchAll(/(\w+)(?==~?")/g)].map(([, label = '']) => label)];
  });
}

/** Fails unless the program has every metric of the expressions, with the labels that they use. */
export async function expectMetricsOf(exprs: readonly string[]): Promise<void> {
  const known = await metricLabels();
  for (const expr of exprs) {
    for (const [metric, labels] of asked(expr)) {
      expect([metric, known.has(metric)]).toEqual([metric, true]);
      expect([expr, [...known.get(metric)!]]).toEqual([expr, expect.arrayContaining([...labels])]);
    }
  }
}
