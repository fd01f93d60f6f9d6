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
  lint,
  render,
  template,
  testWithHelm,
  testWithLint,
  testWithOldestHelm,
  upstream,
} from '../support/helm.ts';
import { KubernetesTypes, type Release, releases } from '../support/kubernetes-types.ts';

const downloadMs = 240_000;
const chart = 'ucwa-batch-proxy';
const scenarios = readdirSync(`${chartFolder(chart)}/ci`).map((file) => `ci/${file}`);
const goldenFolder = new URL('./golden/', import.meta.url);

testWithHelm('control: these tests use a Helm, and print its version', () => {
  process.stdout.write(
    `charts are tested with Helm ${helmVersion ?? 'none'}, from ${helmOrigin}\n`,
  );
  expect(helmVersion).toMatch(/^v[34]\./);
});

const isTooNew = (file: string, release: string) => file.includes('sleep') && release !== '1.33';

describe('lint reports nothing, not even a warning, for any release of Kubernetes', () => {
  testWithLint.each(scenarios)('with %s', async (file) => {
    for (const release of Object.keys(releases)) {
      if (isTooNew(file, release)) continue;
      expect([release, await lint(chart, `${release}.0`, [file])]).toEqual([release, []]);
    }
  });
});

describe.each(Object.keys(releases) as Release[])('on Kubernetes %s', (release) => {
  let types: KubernetesTypes | undefined;
  beforeAll(async () => {
    if (helmVersion !== undefined) types = await KubernetesTypes.load(release);
  }, downloadMs);

  const apis = { without: [], with: [monitoringApi, gatewayApi] };

  describe.each(['without', 'with'] as const)('%s the monitoring and gateway APIs', (which) => {
    testWithHelm.each(scenarios)(
      'the server would accept every object, with strict validation: %s',
      async (file) => {
        const options = { files: [file], kubeVersion: `${release}.0`, apiVersions: apis[which] };
        if (isTooNew(file, release)) {
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

  testWithHelm('monitoring objects need their API, or a value that enables them', async () => {
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

test('control: the types used for validation reject what a server rejects', async () => {
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

/** Renders all objects except the dashboard, which the chart includes unchanged. */
async function renderedText(file: string, byOldestHelm: boolean): Promise<string> {
  const manifests = await render({ files: [file], apiVersions: [monitoringApi], byOldestHelm });
  return [...manifests]
    .map((manifest) => ({ manifest, key: `${manifest.kind}/${manifest.metadata.name}` }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .filter(({ key }) => !key.endsWith('-dashboard'))
    .map(({ manifest }) => stringify(manifest, { sortMapEntries: true, lineWidth: 0 }))
    .join('---\n');
}

describe('the rendered objects equal the golden files:', () => {
  const golden = (file: string) => new URL(file.replace('ci/', ''), goldenFolder);

  testWithHelm.each(scenarios)('%s', async (file) => {
    const text = await renderedText(file, false);
    if (process.env['UPDATE_README'] === '1') {
      mkdirSync(goldenFolder, { recursive: true });
      writeFileSync(golden(file), text);
    }
    expect([existsSync(golden(file)), text]).toEqual([true, readFileSync(golden(file), 'utf8')]);
  });

  testWithOldestHelm.each(scenarios)('%s, by the oldest Helm', async (file) => {
    expect(await renderedText(file, true)).toBe(readFileSync(golden(file), 'utf8'));
  });
});
