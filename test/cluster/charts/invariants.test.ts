import { readdirSync } from 'node:fs';
import { describe, expect } from '@jest/globals';
import { parse } from 'yaml';
import { loadServeSettings } from '../../../src/settings/load-settings.ts';
import {
  chartFolder,
  type Manifest,
  monitoringApi,
  pick,
  render,
  testWithHelm,
  upstream,
} from '../support/helm.ts';
import { containersOf, type Deployment, podsOf } from '../support/pods.ts';

const chart = 'ucwa-batch-proxy';
const scenarios = readdirSync(`${chartFolder(chart)}/ci`).map((file) => `ci/${file}`);
const rendered = (file: string) => render({ files: [file], apiVersions: [monitoringApi] });
const isPartOf = (part: object, whole: object) =>
  Object.entries(part).every(([key, value]) => (whole as Record<string, unknown>)[key] === value);

interface ConfigMap {
  readonly data: Readonly<Record<string, string>>;
}

interface Selecting extends Manifest {
  readonly spec?: {
    readonly selector?: Readonly<Record<string, string>> & { readonly matchLabels?: object };
    readonly podSelector?: { readonly matchLabels: object };
    readonly ports?: ReadonlyArray<{ readonly targetPort: string; readonly port: number }>;
  };
}

describe.each(scenarios)('in %s', (file) => {
  testWithHelm('no two objects of a kind have the same name', async () => {
    const names = (await rendered(file)).map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    expect([...new Set(names)]).toEqual(names);
  });

  testWithHelm('every selector of pods selects the pods of the proxy', async () => {
    const manifests = await rendered(file);
    const { labels } = (pick(manifests, 'Deployment') as Deployment).spec.template.metadata;
    const service = pick(manifests, 'Service', '-admin');
    for (const { kind, spec } of manifests as readonly Selecting[]) {
      if (spec === undefined) continue;
      if (kind === 'ServiceMonitor') {
        expect([kind, isPartOf(spec.selector!.matchLabels!, service.metadata.labels!)]).toEqual([
          kind,
          true,
        ]);
      } else {
        const selector =
          spec.podSelector?.matchLabels ?? spec.selector?.matchLabels ?? spec.selector;
        if (selector !== undefined)
          expect([kind, isPartOf(selector, labels)]).toEqual([kind, true]);
      }
    }
  });

  testWithHelm(
    'each port has a valid name, and each port named by another object exists',
    async () => {
      const manifests = await rendered(file);
      const ports = new Set(
        podsOf(manifests).flatMap(({ spec }) =>
          containersOf(spec).flatMap((one) => one.ports?.map(({ name }) => name) ?? []),
        ),
      );
      for (const name of ports) expect(name).toMatch(/^(?=.*[a-z])[a-z0-9-]{1,15}$/);
      for (const { spec } of manifests.filter(({ kind }) => kind === 'Service') as Selecting[]) {
        for (const { targetPort } of spec!.ports!) expect(ports).toContain(targetPort);
      }
      for (const { spec } of podsOf(manifests)) {
        for (const { startupProbe, livenessProbe, readinessProbe } of containersOf(spec)) {
          for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
            if (probe !== undefined) expect(ports).toContain(probe.httpGet.port);
          }
        }
      }
    },
  );

  testWithHelm(
    'every mount has a volume, and every referenced object of the chart exists',
    async () => {
      const manifests = await rendered(file);
      const names = (kind: string) =>
        manifests.filter((one) => one.kind === kind).map(({ metadata }) => metadata.name);
      for (const { spec } of podsOf(manifests)) {
        const volumes = spec.volumes ?? [];
        const mounts = containersOf(spec).flatMap(({ volumeMounts = [] }) => volumeMounts);
        expect(volumes.map(({ name }) => name)).toEqual(
          expect.arrayContaining(mounts.map(({ name }) => name)),
        );
        for (const { configMap } of volumes) {
          if (configMap !== undefined) expect(names('ConfigMap')).toContain(configMap.name);
        }
        const account = spec.serviceAccountName ?? 'default';
        if (account !== 'default') expect(names('ServiceAccount')).toContain(account);
      }
    },
  );

  testWithHelm('containers have resources and a security context, pods no token', async () => {
    for (const { spec } of podsOf(await rendered(file))) {
      expect(spec).toMatchObject({
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 10001,
          seccompProfile: { type: 'RuntimeDefault' },
        },
      });
      for (const { name, resources, securityContext } of containersOf(spec)) {
        expect([name, resources, securityContext]).toEqual([
          name,
          expect.objectContaining({ limits: expect.any(Object) as object }),
          expect.objectContaining({ allowPrivilegeEscalation: false }),
        ]);
      }
      const proxy = spec.containers.find(({ name }) => ['proxy', 'probe'].includes(name))!;
      expect(proxy.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  });

  testWithHelm(
    'the program accepts the settings, and a pod has enough time for its drain',
    async () => {
      const manifests = await rendered(file);
      const { data } = pick(manifests, 'ConfigMap', chart) as unknown as ConfigMap;
      const { spec } = (pick(manifests, 'Deployment') as Deployment).spec.template;
      const [proxy] = spec.containers;
      const flag = (name: string) => proxy!.args![proxy!.args!.indexOf(`--${name}`) + 1]!;
      const loaded = loadServeSettings({
        flags: { config: flag('config'), listen: flag('listen'), admin: flag('admin') },
        env: {},
        readFile: () => data['config.yaml']!,
      });
      if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
      const { drain, listen, admin } = loaded.settings;
      const port = (name: string) => proxy!.ports!.find((one) => one.name === name)?.containerPort;
      expect([port('http'), port('admin')]).toEqual([listen.address.port, admin.address.port]);
      const { preStop } = (proxy!.lifecycle ?? {}) as { preStop?: { sleep: { seconds: number } } };
      const needed = (preStop?.sleep.seconds ?? 0) + (drain.delayMs + drain.timeoutMs) / 1000;
      expect(spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(needed + 5);
    },
  );
});

testWithHelm('pods restart when the settings change, and only then', async () => {
  const checksum = async (values: object) => {
    const deployment = pick(
      await render({ values: { ...upstream, ...values } }),
      'Deployment',
    ) as Deployment;
    return deployment.spec.template.metadata.annotations!['checksum/config'];
  };
  const before = await checksum({});
  expect(await checksum({ replicaCount: 5 })).toBe(before);
  expect(await checksum({ 'config.batching.lingerMaxMs': 9 })).not.toBe(before);
});

interface Policy extends Manifest {
  readonly spec: {
    readonly policyTypes: readonly string[];
    readonly egress?: unknown;
    readonly ingress: ReadonlyArray<{
      readonly ports: ReadonlyArray<{ readonly port: string }>;
      readonly from?: readonly unknown[];
    }>;
  };
}

testWithHelm('by default all may reach the client port, and few the admin port', async () => {
  const { spec } = pick(await render({ values: upstream }), 'NetworkPolicy') as Policy;
  expect([spec.policyTypes, spec.egress]).toEqual([['Ingress'], undefined]);
  const [http, admin] = spec.ingress;
  expect(http).toEqual({ ports: [{ port: 'http', protocol: 'TCP' }] });
  expect(admin!.ports).toEqual([{ port: 'admin', protocol: 'TCP' }]);
  expect(admin!.from).toContainEqual({ podSelector: {} });
  expect(admin!.from).toContainEqual({
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } },
  });
});

testWithHelm('the network policy can be left out, or limited to the namespace', async () => {
  const policy = async (values: object) => {
    const manifests = await render({ values: { ...upstream, ...values } });
    return manifests.find(({ kind }) => kind === 'NetworkPolicy') as Policy | undefined;
  };
  expect(await policy({ 'networkPolicy.enabled': false })).toBeUndefined();
  const narrow = await policy({ 'networkPolicy.monitoringNamespaces': [] });
  expect(narrow!.spec.ingress[1]!.from).toEqual([{ podSelector: {} }]);
});

testWithHelm('the host names of the admin port can be set, but not its address', async () => {
  const values = { ...upstream, 'config.admin.hosts': ['*.example.com'] };
  const { data } = pick(await render({ values }), 'ConfigMap', chart) as unknown as ConfigMap;
  expect(parse(data['config.yaml']!)).toMatchObject({ admin: { hosts: ['*.example.com'] } });
});

testWithHelm('large numbers arrive unchanged', async () => {
  const values = { ...upstream, 'config.limits.maxQueuedBytes': 67108864 };
  const { data } = pick(await render({ values }), 'ConfigMap', chart) as unknown as ConfigMap;
  expect(parse(data['config.yaml']!)).toMatchObject({ limits: { maxQueuedBytes: 67108864 } });
  expect(data['config.yaml']).toContain('maxQueuedBytes: 67108864\n');
});

testWithHelm.each([{ 'autoscaling.enabled': true }, { replicaCount: null }])(
  'if there is an autoscaler, the chart sets no number of pods: %j',
  async (autoscaled) => {
    const manifests = await render({ values: { ...upstream, ...autoscaled } });
    expect((pick(manifests, 'Deployment') as Deployment).spec).not.toHaveProperty('replicas');
    expect(manifests.map(({ kind }) => kind)).toContain('PodDisruptionBudget');
  },
);

testWithHelm('a single pod has no disruption budget that would block node drains', async () => {
  const kinds = async (replicaCount: number) =>
    (await render({ values: { ...upstream, replicaCount } })).map(({ kind }) => kind);
  expect(await kinds(1)).not.toContain('PodDisruptionBudget');
  expect(await kinds(2)).toContain('PodDisruptionBudget');
});

testWithHelm(
  'with pools, the proxy may reach the ports of all servers, of fallback servers and of health checks',
  async () => {
    const values = {
      'config.pools': [
        { name: 'a', hosts: ['a.example'], servers: ['https://fe01:4443', 'https://fe02:4443'] },
        {
          ...{ name: 'b', hosts: ['b.example'], servers: ['https://oos'] },
          ...{ fallback: ['https://paired:5443'], health: { tcpPort: 5061 } },
        },
      ],
      'networkPolicy.restrictEgress': true,
    };
    const manifests = await render({ values });
    const { spec } = pick(manifests, 'NetworkPolicy') as unknown as {
      readonly spec: { readonly egress: ReadonlyArray<{ readonly ports: unknown }> };
    };
    expect(spec.egress[1]?.ports).toEqual([
      { port: 4443, protocol: 'TCP' },
      { port: 443, protocol: 'TCP' },
      { port: 5443, protocol: 'TCP' },
      { port: 5061, protocol: 'TCP' },
    ]);
    const { data } = pick(manifests, 'ConfigMap', chart) as unknown as ConfigMap;
    expect(parse(data['config.yaml']!)).toMatchObject({ pools: values['config.pools'] });
  },
);
