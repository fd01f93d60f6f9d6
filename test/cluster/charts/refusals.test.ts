import { cpSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect } from '@jest/globals';
import { chartFolder, pick, render, template, testWithHelm, upstream } from '../support/helm.ts';

const refused = async (values: Readonly<Record<string, unknown>>, kubeVersion = '1.33.0') => {
  const { code, stderr } = await template({ values, kubeVersion });
  expect([code, stderr]).toEqual([1, stderr]);
  return stderr;
};

describe('values that the schema refuses', () => {
  testWithHelm.each([
    ['an unknown value', { replicas: 3 }, 'replicas'],
    ['an unknown setting', { 'config.batching.lingerMs': 3 }, 'lingerMs'],
    ['a setting out of bounds', { 'config.batching.lingerMaxMs': 5000 }, 'lingerMaxMs'],
    ['a setting of a wrong type', { 'config.limits.maxUsers': 'many' }, 'maxUsers'],
    ['a pool with a path', { 'config.upstream.url': 'https://a.example/ucwa' }, 'url'],
    ['an address, which the chart computes', { 'config.listen.address': '0.0.0.0:1' }, 'address'],
    ['an admin address', { 'config.admin.address': '0.0.0.0:1' }, 'admin'],
    ['an invalid port', { 'ports.http': 0 }, 'http'],
    ['an invalid digest', { 'image.digest': 'latest' }, 'digest'],
    ['an unknown affinity provider', { 'userAffinity.provider': 'traefik' }, 'provider'],
    ['a duration without a unit', { 'metrics.prometheusRule.window': '5' }, 'window'],
    ['a share above one', { 'metrics.prometheusRule.thresholds.failed': 5 }, 'failed'],
  ])('%s', async (_what, values, word) => {
    expect(await refused({ ...upstream, ...values })).toContain(word);
  });
});

describe('values that contradict each other', () => {
  testWithHelm.each<[string, Record<string, unknown>, RegExp]>([
    [
      'a grace period shorter than the drain',
      { terminationGracePeriodSeconds: 30 },
      /terminationGracePeriodSeconds is 30, but .* need 35/,
    ],
    [
      'a preStop that exceeds the grace period',
      { preStopSleepSeconds: 60, terminationGracePeriodSeconds: 60 },
      /need 95/,
    ],
    ['the same port twice', { 'ports.admin': 8080 }, /both 8080/],
    [
      'a variable for a value that the chart computes',
      { extraEnv: [{ name: 'UCWA_PROXY_DRAIN_TIMEOUT_MS', value: '1' }] },
      /UCWA_PROXY_DRAIN_TIMEOUT_MS/,
    ],
    ['half a client certificate', { 'upstreamTls.certKey': 'tls.crt' }, /go together/],
    [
      'files for TLS without TLS',
      { 'config.upstream.url': 'http://a.example', 'upstreamTls.existingSecret': 'a' },
      /https/,
    ],
    [
      'pools beside the address of one pool',
      { 'config.pools': [{ name: 'a', servers: ['https://a'] }] },
      /config\.pools and config\.upstream\.url exclude each other/,
    ],
    [
      'files for TLS to one pool beside pools',
      {
        ...{ 'config.upstream': {}, 'upstreamTls.existingSecret': 'a' },
        'config.pools': [{ name: 'a', servers: ['https://a'] }],
      },
      /only for config\.upstream\.url/,
    ],
    [
      'a minimum of pods above the maximum',
      { 'autoscaling.enabled': true, 'autoscaling.minReplicas': 9 },
      /above/,
    ],
    [
      'an autoscaler without a target',
      { 'autoscaling.enabled': true, 'autoscaling.targetCPU': null },
      /needs target/,
    ],
    ['gateway affinity without a route', { 'userAffinity.provider': 'envoyGateway' }, /httpRoute/],
    [
      'ingress affinity without an ingress',
      { 'userAffinity.provider': 'ingressNginx' },
      /ingress\.enabled/,
    ],
    ['a route without a gateway', { 'httpRoute.enabled': true }, /parentRefs/],
    [
      'two ways to scrape every pod',
      { 'metrics.podMonitor.enabled': true, 'metrics.serviceMonitor.enabled': true },
      /enable one/,
    ],
  ])('%s', async (_what, values, message) => {
    expect(await refused({ ...upstream, ...values })).toMatch(message);
  });

  testWithHelm('no pool at all, with a message about the remedy', async () => {
    expect(await refused({})).toContain('config.upstream.url is required');
  });

  testWithHelm('a preStop that the cluster does not support', async () => {
    expect(await refused({ ...upstream, preStopSleepSeconds: 5 }, '1.29.0')).toMatch(/1\.30/);
  });

  testWithHelm('a cluster that is too old', async () => {
    expect(await refused(upstream, '1.24.0')).toContain('1.25.0');
  });
});

describe('the notes', () => {
  // Helm prints the notes of installed charts only, so the test reads them as a file of a copy of
  // the chart.
  const copy = mkdtempSync(join(tmpdir(), 'ucwa-notes-'));
  cpSync(chartFolder('ucwa-batch-proxy'), copy, { recursive: true });
  renameSync(join(copy, 'templates/NOTES.txt'), join(copy, 'NOTES.txt'));
  writeFileSync(
    join(copy, 'templates/notes.yaml'),
    `apiVersion: v1
kind: ConfigMap
metadata: { name: notes }
data:
  text: |
    {{- tpl (.Files.Get "NOTES.txt") . | nindent 4 }}
`,
  );
  afterAll(() => rmSync(copy, { recursive: true }));

  const notes = async (values: Readonly<Record<string, unknown>>) => {
    const manifests = await render({ chart: copy, values: { ...upstream, ...values } });
    const { data } = pick(manifests, 'ConfigMap', 'notes') as unknown as { data: { text: string } };
    return data.text.replaceAll(/\s+/g, ' ');
  };

  testWithHelm('explain how to call, how to test, and how long a pod takes to stop', async () => {
    const text = await notes({});
    expect(text).toContain('http://ucwa-ucwa-batch-proxy.ucwa.svc:80');
    expect(text).toContain('helm test ucwa --namespace ucwa');
    expect(text).toContain('A pod takes at most 35 s to shut down');
  });

  testWithHelm.each<[string, Record<string, unknown>, string | RegExp]>([
    ['several pods without user affinity', {}, 'userAffinity.provider is none'],
    ['a single pod', { replicaCount: 1 }, 'only one pod'],
    ['no memory limit', { 'resources.limits.memory': null }, 'no memory limit'],
    ['a CPU limit', { 'resources.limits.cpu': '1' }, 'there is a CPU limit'],
    ['a moving tag', { 'image.tag': 'latest' }, 'Set image.digest'],
    [
      'an open admin port',
      { 'networkPolicy.enabled': false },
      'Every pod of the cluster can read the admin port',
    ],
    ['tokens without encryption', { 'ingress.enabled': true }, 'unencrypted'],
    [
      'a header that Istio cannot read',
      { 'serverTls.existingSecret': 'a', 'userAffinity.provider': 'istio' },
      'Istio can hash a header only if',
    ],
    [
      'users of two zones with near pods',
      { 'service.trafficDistribution': 'PreferClose', 'userAffinity.provider': 'istio' },
      'a user of two zones has two pods',
    ],
    [
      'controllers that need an annotation for TLS',
      { 'serverTls.existingSecret': 'a', 'ingress.enabled': true },
      'Another controller needs one in ingress.annotations',
    ],
    ['no time for balancers', { 'config.drain.delayMs': 0 }, 'less than 2 s'],
    [
      'monitoring that the cluster lacks',
      { 'metrics.podMonitor.enabled': true },
      'has no monitoring',
    ],
  ])('warn of %s', async (_what, values, warning) => {
    expect(await notes(values)).toContain(warning);
  });
});
