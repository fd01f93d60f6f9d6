import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { onlyWith } from '../../support/real-parts.ts';
import { expectMetricsOf } from '../alerts/known-metrics.ts';
import { selfLabels } from '../alerts/rules.ts';
import {
  chartFolder,
  type Manifest,
  pick,
  render,
  testWithHelm,
  upstream,
} from '../support/helm.ts';
import { KubernetesTypes } from '../support/kubernetes-types.ts';
import { run } from '../support/processes.ts';

const testWithPromtool = onlyWith('promtool');
const example = (name: string): unknown =>
  parse(readFileSync(join(chartFolder('examples/autoscaling'), name), 'utf8'));

interface ScaledObject extends Manifest {
  readonly spec: {
    readonly scaleTargetRef: { readonly name: string };
    readonly minReplicaCount: number;
    readonly advanced: { readonly horizontalPodAutoscalerConfig: { readonly behavior: object } };
    readonly triggers: ReadonlyArray<{ readonly metadata: { readonly query: string } }>;
  };
}
interface Autoscaler extends Manifest {
  readonly spec: {
    readonly behavior: object;
    readonly metrics: ReadonlyArray<{ readonly pods?: { readonly metric: { name: string } } }>;
  };
}
interface AdapterValues {
  readonly rules: {
    readonly custom: ReadonlyArray<{
      readonly seriesQuery: string;
      readonly name: { readonly as: string };
      readonly metricsQuery: string;
    }>;
  };
}

const scaledObject = example('keda-scaledobject.yaml') as ScaledObject;
const { rules } = example('prometheus-adapter-values.yaml') as AdapterValues;
const query = scaledObject.spec.triggers[0]!.metadata.query;
const autoscaler = async () =>
  pick(
    await render({
      values: {
        ...upstream,
        'autoscaling.enabled': true,
        'autoscaling.targetOutstandingCalls': 200,
      },
    }),
    'HorizontalPodAutoscaler',
  ) as Autoscaler;

testWithHelm(
  "the KEDA example is valid, and scales the chart's Deployment as slowly as the chart's own autoscaler",
  async () => {
    const types = await KubernetesTypes.load('1.33');
    expect(types.complaints(scaledObject)).toEqual([]);
    const manifests = await render({ values: { ...upstream, replicaCount: null } });
    const { spec } = scaledObject;
    expect(spec.scaleTargetRef.name).toBe(pick(manifests, 'Deployment').metadata.name);
    expect(spec.minReplicaCount).toBeGreaterThan(1);
    expect(spec.advanced.horizontalPodAutoscalerConfig.behavior).toEqual(
      (await autoscaler()).spec.behavior,
    );
  },
  240_000,
);

testWithHelm('the adapter of the example has the metric that the autoscaler uses', async () => {
  const asked = (await autoscaler()).spec.metrics.flatMap(({ pods }) => pods?.metric.name ?? []);
  expect(rules.custom.map(({ name }) => name.as)).toEqual(asked);
});

testWithPromtool('the Prometheus queries of both are valid, and their metrics exist', async () => {
  expect(query).toContain(`{${selfLabels}}`);
  await expectMetricsOf([query, ...rules.custom.map(({ name }) => name.as)]);
  // Fills in the query as the adapter does.
  const exprs = rules.custom.flatMap(({ seriesQuery, metricsQuery, name }) => [
    seriesQuery,
    metricsQuery
      .replace('<<.Series>>', name.as)
      .replace('<<.LabelMatchers>>', 'namespace="ucwa",pod=~"a|b"')
      .replace('<<.GroupBy>>', 'pod'),
  ]);
  expect(exprs.join()).not.toContain('<<');
  const folder = mkdtempSync(join(tmpdir(), 'ucwa-autoscaling-'));
  const file = join(folder, 'rules.yaml');
  const checked = [query, ...exprs].map((expr, index) => ({ record: `asked:${index}`, expr }));
  writeFileSync(file, stringify({ groups: [{ name: 'asked', rules: checked }] }));
  const { code, stderr } = await run('promtool', ['check', 'rules', file]);
  rmSync(folder, { recursive: true });
  expect([code, stderr]).toEqual([0, '']);
});
