/** Renderings of the standalone chart, and the parts that tests look at. */
import { parse } from 'yaml';
import { type Manifest, pick, render, upstream } from './helm.ts';
import type { ContainerSpec, Deployment } from './pods.ts';

export type Values = Readonly<Record<string, unknown>>;

/** Name of the chart, and suffix of the names of its main objects. */
export const standalone = 'ucwa-batch-proxy';

/** A secret for TLS of the pods. */
export const podTls: Values = { 'serverTls.existingSecret': 'pods', 'service.port': 443 };

/** A route of a Gateway. */
export const route: Values = {
  'httpRoute.enabled': true,
  'httpRoute.parentRefs': [{ name: 'edge' }],
};

export const rendered = (
  values: Values,
  apiVersions: readonly string[] = [],
): Promise<readonly Manifest[]> => render({ values: { ...upstream, ...values }, apiVersions });

export const specOf = ({ spec }: Manifest): Record<string, unknown> =>
  spec as Record<string, unknown>;

export const annotationsOf = ({ metadata }: Manifest): Readonly<Record<string, string>> =>
  metadata.annotations ?? {};

export const podOf = (manifests: readonly Manifest[]): Deployment['spec']['template'] =>
  (pick(manifests, 'Deployment') as Deployment).spec.template;

export const proxyOf = (manifests: readonly Manifest[]): ContainerSpec =>
  podOf(manifests).spec.containers[0]!;

/** The settings that the program reads. */
export function settingsOf(manifests: readonly Manifest[]): unknown {
  const { data } = pick(manifests, 'ConfigMap', standalone) as unknown as {
    data: Record<string, string>;
  };
  return parse(data['config.yaml']!);
}
