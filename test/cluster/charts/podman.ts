/** Converts a chart's objects to objects that podman can run on one machine. */
import { stringify } from 'yaml';
import type { Manifest } from '../support/helm.ts';
import { containersOf, type Deployment } from '../support/pods.ts';

/**
 * Returns the ConfigMaps, and one pod per Deployment, in the network of the host. Native sidecars
 * become plain containers and probes are removed, because this version of podman does not support
 * them. Ports would need a bridge.
 */
export function forPodman(manifests: readonly Manifest[], graceSeconds: number): string {
  const kept = manifests.filter(({ kind }) => kind === 'ConfigMap' || kind === 'Deployment');
  return kept
    .map((manifest) => {
      if (manifest.kind === 'ConfigMap') return stringify(manifest);
      const { spec, ...rest } = manifest as Deployment;
      const pod = spec.template.spec;
      const podSpec = {
        ...without(pod, 'topologySpreadConstraints', 'serviceAccountName', 'initContainers'),
        terminationGracePeriodSeconds: graceSeconds,
        hostNetwork: true,
        containers: containersOf(pod).map((container) => ({
          ...without(container, 'restartPolicy', 'ports', ...probes),
          imagePullPolicy: 'Never',
        })),
      };
      const template = { ...spec.template, spec: podSpec };
      return stringify({ ...rest, spec: { ...spec, replicas: 1, template } });
    })
    .join('---\n');
}

const probes = ['startupProbe', 'livenessProbe', 'readinessProbe'];

const without = (object: object, ...fields: readonly string[]): object =>
  Object.fromEntries(Object.entries(object).filter(([field]) => !fields.includes(field)));
