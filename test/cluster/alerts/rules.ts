import { stringify } from 'yaml';
import { monitoringApi, pick, render, upstream } from '../support/helm.ts';

export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface PrometheusRule {
  readonly spec: { readonly groups: ReadonlyArray<{ readonly rules: readonly Rule[] }> };
}

/** The labels of the proxy's own series. Prometheus names the job after the chart's Service. */
export const selfLabels = 'namespace="ucwa",job="ucwa-ucwa-batch-proxy-admin"';

/** The rules of the chart in the form in which Prometheus reads them from a file. */
export async function renderRules(
  values: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly text: string; readonly rules: readonly Rule[] }> {
  const manifests = await render({
    values: { ...upstream, ...values },
    apiVersions: [monitoringApi],
  });
  const { spec } = pick(manifests, 'PrometheusRule') as unknown as PrometheusRule;
  return { text: stringify(spec), rules: spec.groups.flatMap(({ rules }) => rules) };
}
