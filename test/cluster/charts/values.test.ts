/** The values that the standalone chart passes on to Kubernetes. */
import { describe, expect } from '@jest/globals';
import {
  gatewayApi,
  monitoringApi,
  pick,
  render,
  testWithHelm,
  upstream,
} from '../support/helm.ts';
import { containersOf, type Deployment } from '../support/pods.ts';
import {
  annotationsOf,
  podOf,
  proxyOf,
  rendered,
  route,
  specOf,
  standalone,
  type Values,
} from '../support/rendered.ts';

describe('the fields of Kubernetes', () => {
  testWithHelm.each<[string, Values, string, string, Values]>([
    [
      'both address families',
      {
        listenHost: '::',
        'service.ipFamilyPolicy': 'PreferDualStack',
        'service.ipFamilies': ['IPv6', 'IPv4'],
      },
      'Service',
      standalone,
      { ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv6', 'IPv4'] },
    ],
    [
      'both address families, at the admin port too',
      { listenHost: '::', 'service.ipFamilyPolicy': 'RequireDualStack' },
      'Service',
      '-admin',
      { ipFamilyPolicy: 'RequireDualStack', clusterIP: 'None' },
    ],
    [
      'near pods',
      { 'service.trafficDistribution': 'PreferClose' },
      'Service',
      standalone,
      { trafficDistribution: 'PreferClose' },
    ],
    [
      'pods of the same node, and clients that stay at a pod',
      { 'service.internalTrafficPolicy': 'Local', 'service.sessionAffinity': 'ClientIP' },
      'Service',
      standalone,
      { internalTrafficPolicy: 'Local', sessionAffinity: 'ClientIP' },
    ],
    [
      'a class of load balancers, and the addresses that can connect',
      {
        ...{ 'service.type': 'LoadBalancer', 'service.loadBalancerClass': 'example.com/lb' },
        'service.loadBalancerSourceRanges': ['198.51.100.0/24'],
      },
      'Service',
      standalone,
      { loadBalancerClass: 'example.com/lb', loadBalancerSourceRanges: ['198.51.100.0/24'] },
    ],
  ])('%s', async (_what, values, kind, suffix, expected) => {
    expect(specOf(pick(await rendered(values), kind, suffix))).toMatchObject(expected);
  });

  testWithHelm('labels, annotations and the namespace are those of the values', async () => {
    const manifests = await rendered(
      {
        ...{ commonAnnotations: { owner: 'phones' }, namespaceOverride: 'elsewhere' },
        ...{ 'service.labels': { tier: 'edge' }, 'ingress.labels': { tier: 'rim' } },
        ...{ ...route, 'httpRoute.labels': { tier: 'gate' }, 'ingress.enabled': true },
        ...{ 'autoscaling.enabled': true, 'metrics.dashboard.annotations': { folder: 'UCWA' } },
      },
      [monitoringApi, gatewayApi],
    );
    for (const { kind, metadata } of manifests) {
      expect([kind, metadata.namespace, metadata.annotations]).toEqual([
        kind,
        'elsewhere',
        expect.objectContaining({ owner: 'phones' }),
      ]);
    }
    expect(podOf(manifests).metadata.annotations).toMatchObject({ owner: 'phones' });
    expect(annotationsOf(pick(manifests, 'ConfigMap', '-dashboard'))).toMatchObject({
      folder: 'UCWA',
    });
    const tiers = manifests.map(({ metadata }) => metadata.labels?.['tier']);
    expect(tiers.filter((tier) => tier !== undefined).sort()).toEqual(['edge', 'gate', 'rim']);
    const rule = JSON.stringify(pick(manifests, 'PrometheusRule'));
    expect(rule).toContain('namespace=\\"elsewhere\\"');
    expect(
      containersOf(
        (pick(manifests, 'Pod') as unknown as { spec: Deployment['spec']['template']['spec'] })
          .spec,
      )[0]!.args,
    ).toContain('http://ucwa-ucwa-batch-proxy-admin.elsewhere.svc:9464');
  });

  testWithHelm.each([
    ['ucwa-batch-proxy', 'mirror.example/ucwa-batch-proxy:0.1.0'],
    ['registry.example.com/team/proxy', 'mirror.example/team/proxy:0.1.0'],
    ['localhost/proxy', 'mirror.example/proxy:0.1.0'],
    ['team/proxy', 'mirror.example/team/proxy:0.1.0'],
  ])('the registry for all charts replaces that of %s', async (repository, image) => {
    const manifests = await rendered({
      'image.repository': repository,
      'global.imageRegistry': 'mirror.example',
    });
    expect(proxyOf(manifests).image).toBe(image);
  });

  testWithHelm('a pod runs as a user that no node has, within bounds', async () => {
    const manifests = await rendered({});
    const proxy = proxyOf(manifests) as unknown as Record<string, unknown>;
    expect(podOf(manifests).spec.securityContext).toMatchObject({
      runAsUser: 10001,
      fsGroup: 10001,
    });
    expect(proxy['terminationMessagePolicy']).toBe('FallbackToLogsOnError');
    expect(proxy['resources']).toEqual({
      requests: { cpu: '100m', memory: '256Mi', 'ephemeral-storage': '64Mi' },
      limits: { memory: '256Mi', 'ephemeral-storage': '512Mi' },
    });
  });

  testWithHelm('variables, arguments and annotations of the pod can be templates', async () => {
    const manifests = await rendered({
      extraEnv: [{ name: 'RELEASE', value: '{{ .Release.Name }}' }],
      extraArgs: ['--log-level', '{{ "debug" }}'],
      podAnnotations: { release: '{{ .Release.Name }}' },
    });
    expect(proxyOf(manifests).env).toContainEqual({ name: 'RELEASE', value: 'ucwa' });
    expect(proxyOf(manifests).args?.slice(-2)).toEqual(['--log-level', 'debug']);
    expect(podOf(manifests).metadata.annotations).toMatchObject({ release: 'ucwa' });
  });

  testWithHelm('a container can have hooks beside the sleep before its shutdown', async () => {
    const postStart = { exec: { command: ['node', '--version'] } };
    const values = { lifecycle: { postStart }, preStopSleepSeconds: 7 };
    expect(proxyOf(await rendered(values)).lifecycle).toEqual({
      postStart,
      preStop: { sleep: { seconds: 7 } },
    });
  });

  testWithHelm('an existing ConfigMap replaces the settings', async () => {
    const manifests = await render({ values: { existingConfigMap: 'mine' } });
    expect(manifests.map(({ kind }) => kind)).not.toContain('ConfigMap');
    expect(podOf(manifests).spec.volumes).toEqual([
      { name: 'config', configMap: { name: 'mine' } },
    ]);
    expect(podOf(manifests).metadata.annotations ?? {}).not.toHaveProperty('checksum/config');
  });

  testWithHelm('each release has a dashboard of its own', async () => {
    const uids: string[] = [];
    for (const [release, namespaceOverride] of [
      ['a', ''],
      ['b', ''],
      ['a', 'other'],
    ] as const) {
      const values = { ...upstream, namespaceOverride };
      const manifests = await render({ release, values, apiVersions: [monitoringApi] });
      const { data } = pick(manifests, 'ConfigMap', '-dashboard') as unknown as {
        data: Record<string, string>;
      };
      const { uid, title } = JSON.parse(data['ucwa-batch-proxy.json']!) as Record<string, string>;
      expect(uid).toMatch(/^[\w-]{1,40}$/);
      expect(title).toContain(`${release}-ucwa-batch-proxy`);
      uids.push(uid!);
    }
    expect(new Set(uids).size).toBe(3);
  });
});
