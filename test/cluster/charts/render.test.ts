import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import {
  chartFolder,
  gatewayApi,
  helmOrigin,
  helmVersion,
  type Manifest,
  monitoringApi,
  render,
  runHelm,
  template,
  testWithHelm,
  upstream,
} from '../support/helm.ts';
import { KubernetesTypes, type Release, releases } from '../support/kubernetes-types.ts';

const downloadMs = 240_000;
const chart = 'ucwa-batch-proxy';
const scenarios = readdirSync(`${chartFolder(chart)}/ci`).map((file) => `ci/${file}`);
const goldenFolder = new URL('./golden/', import.meta.url);

testWithHelm('these tests use a Helm, and say which', () => {
  process.stdout.write(
    `charts are tested with Helm ${helmVersion ?? 'none'}, from ${helmOrigin}\n`,
  );
  expect(helmVersion).toMatch(/^v[34]\./);
});

describe('lint finds nothing, not even a warning', () => {
  testWithHelm.each(scenarios)('with %s', async (file) => {
    const folder = chartFolder(chart);
    const { code, stdout } = await runHelm(
      'lint',
      '--strict',
      folder,
      '--values',
      `${folder}/${file}`,
    );
    expect([code, stdout.match(/\[(?:WARNING|ERROR)\].*/g)]).toEqual([0, null]);
  });
});

describe.each(Object.keys(releases) as Release[])('on Kubernetes %s', (release) => {
  let types: KubernetesTypes | undefined;
  beforeAll(async () => {
    if (helmVersion !== undefined) types = await KubernetesTypes.load(release);
  }, downloadMs);

  const isTooNew = (file: string) => file.includes('sleep') && release !== '1.33';
  const apis = { without: [], with: [monitoringApi, gatewayApi] };

  describe.each(['without', 'with'] as const)('%s the monitoring and gateway APIs', (which) => {
    testWithHelm.each(scenarios)(
      'the server would take every object, unknown fields included: %s',
      async (file) => {
        const options = { files: [file], kubeVersion: `${release}.0`, apiVersions: apis[which] };
        if (isTooNew(file)) {
          expect((await template(options)).stderr).toContain('needs Kubernetes 1.30');
          return;
        }
        const manifests = await render(options);
        expect(manifests.length).toBeGreaterThan(4);
        const complaints = manifests.flatMap((manifest) => types!.complaints(manifest));
        expect(complaints).toEqual([]);
      },
    );
  });

  testWithHelm('monitoring objects come with the API, unless they are asked for', async () => {
    const kinds = async (apiVersions: string[]) => {
      const manifests = await render({
        values: upstream,
        kubeVersion: `${release}.0`,
        apiVersions,
      });
      return manifests.map(({ kind }) => kind).filter((kind) => /Monitor|Rule/.test(kind));
    };
    expect(await kinds([])).toEqual([]);
    expect((await kinds([monitoringApi])).sort()).toEqual(['PrometheusRule', 'ServiceMonitor']);
  });
});

test('the types that are validated against refuse what a server refuses', async () => {
  if (helmVersion === undefined) return;
  const types = await KubernetesTypes.load('1.29');
  const of = (apiVersion: string, kind: string, rest: object): Manifest => ({
    ...{ apiVersion, kind, metadata: { name: 'x' } },
    ...rest,
  });
  const deployment = (container: object) =>
    of('apps/v1', 'Deployment', {
      spec: {
        selector: {},
        template: { spec: { containers: [{ name: 'a', ...container }] } },
      },
    });
  expect(types.complaints(deployment({ image: 'a' }))).toEqual([]);
  for (const [wrong, word] of [
    [deployment({ imagePullPolice: 'Never' }), 'imagePullPolice'],
    [deployment({ args: 'serve' }), 'array'],
    [deployment({ ports: [{ containerPort: 'http' }] }), 'integer'],
    [of('apps/v1', 'Deploiment', {}), 'not a type'],
    [of('monitoring.coreos.com/v1', 'ServiceMonitor', { spec: {} }), 'selector'],
    [of('gateway.networking.k8s.io/v1', 'HTTPRoute', { spec: { rule: [] } }), 'rule'],
  ] as const) {
    expect(types.complaints(wrong).join('\n')).toContain(word);
  }
}, 240_000);

describe('what is rendered is what was rendered: golden files', () => {
  testWithHelm.each(scenarios)('%s', async (file) => {
    const manifests = await render({ files: [file], apiVersions: [monitoringApi] });
    const sorted = [...manifests]
      .map((manifest) => ({ manifest, key: `${manifest.kind}/${manifest.metadata.name}` }))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      // The dashboard stands in the chart as it is.
      .filter(({ key }) => !key.endsWith('-dashboard'))
      .map(({ manifest }) => stringify(manifest, { sortMapEntries: true, lineWidth: 0 }));
    const text = sorted.join('---\n');
    const golden = new URL(file.replace('ci/', ''), goldenFolder);
    if (process.env['UPDATE_README'] === '1') {
      mkdirSync(goldenFolder, { recursive: true });
      writeFileSync(golden, text);
    }
    expect([existsSync(golden), text]).toEqual([true, readFileSync(golden, 'utf8')]);
  });
});
