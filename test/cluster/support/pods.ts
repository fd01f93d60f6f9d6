import type { Manifest } from './helm.ts';

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string | number };
}

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly restartPolicy?: string;
  readonly env?: ReadonlyArray<{ readonly name: string; readonly value?: string }>;
  readonly ports?: ReadonlyArray<{ readonly name: string; readonly containerPort: number }>;
  readonly volumeMounts?: ReadonlyArray<{ readonly name: string; readonly mountPath: string }>;
  readonly resources?: object;
  readonly securityContext?: object;
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly lifecycle?: object;
}

export interface PodSpec {
  readonly containers: readonly ContainerSpec[];
  readonly initContainers?: readonly ContainerSpec[];
  readonly volumes?: ReadonlyArray<{
    readonly name: string;
    readonly configMap?: { readonly name: string };
    readonly secret?: { readonly secretName: string };
  }>;
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly enableServiceLinks?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext?: object;
}

interface Labelled {
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

export interface Deployment extends Manifest {
  readonly spec: {
    readonly replicas?: number;
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: Labelled & { readonly spec: PodSpec };
  };
}

/** The pods that these objects create, with their labels. */
export function podsOf(
  manifests: readonly Manifest[],
): ReadonlyArray<Labelled & { spec: PodSpec }> {
  return manifests.flatMap((manifest) => {
    if (manifest.kind === 'Pod') return [manifest as unknown as Labelled & { spec: PodSpec }];
    return manifest.kind === 'Deployment' ? [(manifest as Deployment).spec.template] : [];
  });
}

export const containersOf = ({ containers, initContainers = [] }: PodSpec): ContainerSpec[] => [
  ...initContainers,
  ...containers,
];
