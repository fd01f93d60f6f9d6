import { beforeAll, describe, expect } from '@jest/globals';
import { parse } from 'yaml';
import { loadServeSettings } from '../../../src/settings/load-settings.ts';
import {
  chartFolder,
  helmVersion,
  lint,
  monitoringApi,
  parseManifests,
  pick,
  render,
  runHelm,
  template,
  testWithHelm,
  testWithLint,
} from '../support/helm.ts';
import { KubernetesTypes, type Release, releases } from '../support/kubernetes-types.ts';
import { containersOf, type Deployment, podsOf } from '../support/pods.ts';
import { runWell } from '../support/processes.ts';

const chart = 'examples/mobile-bff';
const downloadMs = 240_000;

beforeAll(async () => {
  if (helmVersion !== undefined) await runHelm('dependency', 'build', chartFolder(chart));
});

const podOn = async (kubeVersion: string, values: Readonly<Record<string, unknown>> = {}) => {
  const manifests = await render({ chart, kubeVersion, values });
  return (pick(manifests, 'Deployment') as Deployment).spec.template.spec;
};

describe('the example application with the sidecar', () => {
  testWithLint.each([chart, 'ucwa-batch-sidecar'])('lints: %s', async (name) => {
    for (const release of Object.keys(releases)) {
      expect([release, await lint(name, `${release}.0`)]).toEqual([release, []]);
    }
  });

  testWithHelm.each(Object.keys(releases) as Release[])(
    'is valid for Kubernetes %s, with strict validation',
    async (release) => {
      const types = await KubernetesTypes.load(release);
      const manifests = await render({
        ...{ chart, kubeVersion: `${release}.0`, apiVersions: [monitoringApi] },
        values: { 'ucwaBatch.upstreamTls.existingSecret': 'pool' },
      });
      expect(manifests.map(({ kind }) => kind).sort()).toEqual([
        'ConfigMap',
        'ConfigMap',
        'Deployment',
        'NetworkPolicy',
        'PodMonitor',
        'PrometheusRule',
      ]);
      expect(manifests.flatMap((manifest) => types.complaints(manifest))).toEqual([]);
    },
    downloadMs,
  );

  testWithHelm('has a native sidecar from 1.29 on, and a plain container before', async () => {
    for (const [kubeVersion, native] of [
      ['1.28.9', false],
      ['1.29.0', true],
      ['1.33.2', true],
    ] as const) {
      const { containers, initContainers = [] } = await podOn(kubeVersion);
      const sidecars = (native ? initContainers : containers).map(({ name, restartPolicy }) => [
        name,
        restartPolicy,
      ]);
      expect(sidecars).toContainEqual(['ucwa-batch-proxy', native ? 'Always' : undefined]);
      expect(containersOf({ containers, initContainers })).toHaveLength(2);
    }
    const { initContainers } = await podOn('1.33.0', { 'ucwaBatch.native': false });
    expect(initContainers).toBeUndefined();
    const forced = { chart, kubeVersion: '1.28.0', values: { 'ucwaBatch.native': true } };
    expect((await template(forced)).stderr).toContain('native sidecars need Kubernetes 1.29');
  });

  testWithHelm(
    'accepts calls from its own pod only, and can be monitored from outside',
    async () => {
      const manifests = await render({ chart });
      const [proxy] = podsOf(manifests)[0]!.spec.initContainers!;
      const flag = (name: string) => proxy!.args![proxy!.args!.indexOf(`--${name}`) + 1]!;
      const { data } = pick(manifests, 'ConfigMap') as unknown as { data: Record<string, string> };
      const loaded = loadServeSettings({
        flags: { config: flag('config'), listen: flag('listen'), admin: flag('admin') },
        env: {},
        readFile: () => data['config.yaml']!,
      });
      if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
      expect(loaded.settings.listen.address).toEqual({ host: '127.0.0.1', port: 18080 });
      expect(loaded.settings.admin.address).toEqual({ host: '0.0.0.0', port: 19464 });
      expect(proxy!.ports).toEqual([{ name: 'ucwa-admin', containerPort: 19464 }]);
    },
  );

  testWithHelm(
    "accepts the application's last calls, even if both containers stop at once",
    async () => {
      for (const [kubeVersion, values, delayMs, graceSeconds] of [
        ['1.33.0', {}, 0, 35],
        ['1.28.0', {}, 5000, 40],
        ['1.28.0', { 'ucwaBatch.config.drain.delayMs': 0 }, 0, 35],
        ['1.33.0', { 'ucwaBatch.config.drain.delayMs': 2000 }, 2000, 37],
      ] as const) {
        const manifests = await render({ chart, kubeVersion, values });
        const { data } = pick(manifests, 'ConfigMap') as unknown as {
          data: Record<string, string>;
        };
        expect(parse(data['config.yaml']!)).toMatchObject({ drain: { delayMs, timeoutMs: 20000 } });
        const { terminationGracePeriodSeconds } = await podOn(kubeVersion, values);
        expect(terminationGracePeriodSeconds).toBe(graceSeconds);
      }
    },
  );

  testWithHelm('gives a pod enough time for the drain, and refuses less', async () => {
    expect((await podOn('1.33.0')).terminationGracePeriodSeconds).toBe(35);
    const values = { 'ucwaBatch.config.drain.delayMs': 5000, 'ucwaBatch.podGraceSeconds': 29 };
    expect((await template({ chart, values })).stderr).toContain(
      'podGraceSeconds is 29, but the shutdown of the sidecar needs 30',
    );
  });

  testWithHelm.each([
    ['ucwaBatch.config.batching.lingerMs', 3],
    ['ucwaBatch.config.listen.address', '0.0.0.0:80'],
    ['ucwaBatch.imag', 'x'],
    ['ucwaBatch.port', 0],
  ])('refuses %s: the schema of the library applies in charts that use it', async (key, value) => {
    const { code, stderr } = await template({ chart, values: { [key]: value } });
    expect([code, stderr]).toEqual([1, expect.stringContaining(key.split('.').at(-1)!)]);
  });
});

describe('the kustomize component', () => {
  testWithHelm(
    'adds the same container to an application as the library chart',
    async () => {
      const folder = chartFolder('examples/kustomize/application');
      const manifests = parseManifests(await runWell('kubectl', ['kustomize', folder]));
      const types = await KubernetesTypes.load('1.29');
      expect(manifests.flatMap((manifest) => types.complaints(manifest))).toEqual([]);
      const { spec } = podsOf(manifests)[0]!;
      const { initContainers: [ours] = [], terminationGracePeriodSeconds } = await podOn('1.33.0', {
        'ucwaBatch.image.repository': 'ucwa-batch-proxy',
      });
      // The image has the same variable with the same value.
      const { env, imagePullPolicy, ...container } = ours as unknown as Record<string, unknown>;
      expect([env, imagePullPolicy]).toEqual([
        [
          {
            name: 'NODE_OPTIONS',
            value: '--max-old-space-size-percentage=50 --max-semi-space-size=16',
          },
        ],
        'IfNotPresent',
      ]);
      expect(spec.initContainers).toEqual([container]);
      expect(spec.terminationGracePeriodSeconds).toBe(terminationGracePeriodSeconds);
      const generated = pick(manifests, 'ConfigMap').metadata.name;
      expect(spec.volumes).toEqual([{ name: 'ucwa-batch-config', configMap: { name: generated } }]);
    },
    downloadMs,
  );
});
