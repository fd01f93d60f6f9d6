/** The values of the library chart, as the example application uses it. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { onlyWith } from '../../support/real-parts.ts';
import { renderRules } from '../alerts/rules.ts';
import {
  chartFolder,
  helmVersion,
  type Manifest,
  monitoringApi,
  parseManifests,
  pick,
  render,
  runHelm,
  template,
  testWithHelm,
} from '../support/helm.ts';
import { type ContainerSpec, podsOf } from '../support/pods.ts';
import { run, runWell } from '../support/processes.ts';

const chart = 'examples/mobile-bff';
const testWithPromtool = testWithHelm === test ? onlyWith('promtool') : test.skip;

beforeAll(async () => {
  if (helmVersion !== undefined) await runHelm('dependency', 'build', chartFolder(chart));
});

const rendered = (values: Readonly<Record<string, unknown>> = {}) =>
  render({
    chart,
    release: 'bff',
    apiVersions: [monitoringApi],
    values: Object.fromEntries(
      Object.entries(values).map(([key, value]) => [
        key.startsWith('global') ? key : `ucwaBatch.${key}`,
        value,
      ]),
    ),
  });
const sidecarOf = (manifests: readonly Manifest[]) =>
  podsOf(manifests)[0]!.spec.initContainers![0] as ContainerSpec & Record<string, unknown>;
const settingsOf = (manifests: readonly Manifest[]): unknown => {
  const { data } = pick(manifests, 'ConfigMap', 'proxy') as unknown as {
    data: Record<string, string>;
  };
  return parse(data['config.yaml']!);
};

describe('the sidecar', () => {
  testWithHelm('takes no port that applications commonly use', async () => {
    const [pod] = podsOf(await rendered());
    const [application] = pod!.spec.containers;
    expect(application!.ports).toEqual([{ name: 'http', containerPort: 8080 }]);
    const { args = [], ports } = sidecarOf(await rendered());
    expect(ports).toEqual([{ name: 'ucwa-admin', containerPort: 19464 }]);
    const common = [
      80, 443, 3000, 4317, 4318, 5000, 8000, 8080, 8081, 8443, 9000, 9090, 9464, 15021,
    ];
    const taken = args.flatMap((arg) => /:(\d+)$/.exec(arg)?.[1] ?? []).map(Number);
    expect(taken).toEqual([18080, 19464]);
    expect(taken.filter((port) => common.includes(port))).toEqual([]);
    expect(JSON.stringify(application)).toContain('http://127.0.0.1:18080');
  });

  testWithHelm('takes its pod out of the Service while it is not ready', async () => {
    expect(sidecarOf(await rendered()).readinessProbe?.httpGet).toEqual({
      path: '/readyz',
      port: 'ucwa-admin',
    });
    const without = await rendered({ readinessProbe: null });
    expect(sidecarOf(without)).not.toHaveProperty('readinessProbe');
  });

  testWithHelm('runs as a user that no node has, within bounds', async () => {
    const sidecar = sidecarOf(await rendered());
    expect(sidecar['terminationMessagePolicy']).toBe('FallbackToLogsOnError');
    expect(sidecar.securityContext).toMatchObject({ runAsUser: 10001, runAsGroup: 10001 });
    expect(sidecar.resources).toMatchObject({ limits: { 'ephemeral-storage': '512Mi' } });
  });

  testWithHelm('shows a client certificate to the pool', async () => {
    const manifests = await rendered({
      upstreamTls: { existingSecret: 'pool', certKey: 'tls.crt', keyKey: 'tls.key' },
    });
    const folder = '/etc/ucwa-batch-proxy-tls';
    expect(settingsOf(manifests)).toMatchObject({
      upstream: {
        tls: { ca: `${folder}/ca.crt`, cert: `${folder}/tls.crt`, key: `${folder}/tls.key` },
      },
    });
  });

  testWithHelm('can have several pools', async () => {
    const pools = [
      { name: 'a', hosts: ['a.example'], servers: ['https://a.example'] },
      { name: 'b', servers: ['https://b.example'] },
    ];
    // A copy without the address of the example, which no value can remove.
    const copy = mkdtempSync(join(tmpdir(), 'ucwa-pools-'));
    cpSync(chartFolder(chart), copy, { recursive: true });
    writeFileSync(
      join(copy, 'values.yaml'),
      stringify({ image: 'a', port: 8080, ucwaBatch: { config: { pools } } }),
    );
    const manifests = await render({ chart: copy });
    rmSync(copy, { recursive: true });
    expect(settingsOf(manifests)).toMatchObject({ pools });
  });

  testWithHelm(
    'takes variables of the cluster, templates and a registry for all charts',
    async () => {
      const secretRef = { name: 'more' };
      const manifests = await rendered({
        extraEnvFrom: [{ secretRef }],
        extraEnv: [{ name: 'RELEASE', value: '{{ .Release.Name }}' }],
        'global.imageRegistry': 'mirror.example',
      });
      const sidecar = sidecarOf(manifests);
      expect(sidecar['envFrom']).toEqual([{ secretRef }]);
      expect(sidecar.env).toContainEqual({ name: 'RELEASE', value: 'bff' });
      expect(sidecar.image).toBe('mirror.example/ucwa-batch-proxy:0.1.0');
    },
  );

  testWithHelm.each<[string, Record<string, unknown>, RegExp]>([
    ['one port twice', { 'ucwaBatch.port': 19464 }, /port and adminPort are both 19464/],
    [
      'limits that contradict each other',
      { 'ucwaBatch.config.limits.maxQueuedCallsPerUser': 2000 },
      /ucwa-batch-sidecar: config\.limits\.maxQueuedCallsPerUser is 2000: expected at most config\.limits\.maxQueuedCalls, which is 1000/,
    ],
    [
      'half a client certificate',
      { 'ucwaBatch.upstreamTls': { existingSecret: 'a', certKey: 'x' } },
      /config\.upstream\.tls\.cert needs config\.upstream\.tls\.key/,
    ],
    [
      'a recording on a read-only file system',
      { 'ucwaBatch.config.batching.mode': 'off', 'ucwaBatch.config.record.file': '/data/x.csv' },
      /ucwa-batch-sidecar: config\.record\.file is \/data\/x\.csv, but the root file system is read-only/,
    ],
    [
      'too little memory',
      { 'ucwaBatch.resources.limits.memory': '64Mi' },
      /resources\.limits\.memory is 64Mi: expected at least 96Mi/,
    ],
  ])('is refused with %s', async (_what, values, message) => {
    const { code, stderr } = await template({ chart, values });
    expect([code, stderr]).toEqual([1, expect.stringMatching(message)]);
  });
});

testWithHelm(
  "the example's NetworkPolicy opens the application, and the admin port to few",
  async () => {
    const { spec } = pick(await rendered(), 'NetworkPolicy') as unknown as {
      spec: { ingress: ReadonlyArray<{ ports: ReadonlyArray<{ port: string }>; from?: unknown }> };
    };
    const [application, admin] = spec.ingress;
    expect(application).toEqual({ ports: [{ port: 'http', protocol: 'TCP' }] });
    expect(admin!.ports).toEqual([{ port: 'ucwa-admin', protocol: 'TCP' }]);
    expect(admin!.from).toBeDefined();
    const [pod] = podsOf(await rendered());
    const names = [...pod!.spec.containers, ...pod!.spec.initContainers!].flatMap(
      ({ ports = [] }) => ports.map(({ name }) => name),
    );
    expect(spec.ingress.flatMap(({ ports }) => ports.map(({ port }) => port)).sort()).toEqual(
      names.sort(),
    );
  },
);

describe('monitoring of sidecars', () => {
  const job = 'namespace="ucwa",job="ucwa/bff-ucwa-batch-proxy"';
  const rulesOf = (manifests: readonly Manifest[]) =>
    (
      pick(manifests, 'PrometheusRule') as unknown as {
        spec: { groups: ReadonlyArray<{ rules: ReadonlyArray<{ alert?: string; expr: string }> }> };
      }
    ).spec;

  testWithPromtool(
    'has the alerts of the standalone chart, for the job of the PodMonitor',
    async () => {
      const manifests = await rendered();
      const spec = rulesOf(manifests);
      const rules = spec.groups.flatMap((group) => group.rules);
      const namesOf = (some: ReadonlyArray<{ alert?: string }>) => some.map(({ alert }) => alert);
      expect(namesOf(rules)).toEqual(namesOf((await renderRules()).rules));
      for (const { expr } of rules) expect(expr).toContain(`{${job}`);
      expect(pick(manifests, 'PodMonitor').metadata.name).toBe('bff-ucwa-batch-proxy');
      const folder = mkdtempSync(join(tmpdir(), 'ucwa-sidecar-rules-'));
      const file = join(folder, 'rules.yaml');
      writeFileSync(file, stringify(spec));
      const { code, stderr } = await run('promtool', ['check', 'rules', file]);
      rmSync(folder, { recursive: true });
      expect([code, stderr]).toEqual([0, '']);
    },
  );

  testWithHelm('has a dashboard of its own for each release', async () => {
    const { data } = pick(await rendered(), 'ConfigMap', '-dashboard') as unknown as {
      data: Record<string, string>;
    };
    const { uid, title, panels } = JSON.parse(data['ucwa-batch-proxy.json']!) as {
      uid: string;
      title: string;
      panels: readonly unknown[];
    };
    expect(uid).toMatch(/^ucwa-[0-9a-f]{16}$/);
    expect(title).toBe('UCWA batch proxy (ucwa/bff-ucwa-batch-proxy)');
    expect(panels.length).toBeGreaterThan(40);
  });

  testWithHelm('is absent from a cluster without the Prometheus Operator', async () => {
    const kinds = (await render({ chart })).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(kinds.filter((kind) => /Monitor|Rule|dashboard/.test(kind))).toEqual([]);
  });
});

testWithHelm('the kustomize component has the ports and the readiness of the library', async () => {
  const folder = chartFolder('examples/kustomize/application');
  const [pod] = podsOf(parseManifests(await runWell('kubectl', ['kustomize', folder])));
  const [sidecar] = pod!.spec.initContainers!;
  expect(sidecar!.args).toEqual(expect.arrayContaining(['127.0.0.1:18080', '0.0.0.0:19464']));
  expect(sidecar!.readinessProbe).toBeDefined();
});
