/** Values of the standalone chart that exclude each other. */
import { describe, expect } from '@jest/globals';
import { template, testWithHelm, upstream } from '../support/helm.ts';
import { podTls, route, type Values } from '../support/rendered.ts';

describe('values that contradict each other get a sentence:', () => {
  testWithHelm.each<[string, Values, RegExp]>([
    [
      'further certificates without a first one',
      { 'serverTls.extra': [{ existingSecret: 'a' }] },
      /serverTls\.extra needs serverTls\.existingSecret/,
    ],
    [
      'a certificate that is no secret',
      { ...podTls, 'serverTls.extra': ['a'] },
      /serverTls\.extra\[0\] is "a": expected a secret/,
    ],
    [
      'a Gateway without a name to verify',
      { ...podTls, ...route },
      /httpRoute\.backendTls\.hostname is required with serverTls/,
    ],
    ['two listeners at one port', { 'ports.plain': 9464 }, /ports\.plain is 9464/],
    [
      'two ports of the Service',
      { 'ports.plain': 8081 },
      /service\.port and service\.plainPort are both 80/,
    ],
    [
      'too little memory',
      { 'resources.limits.memory': '64Mi' },
      /resources\.limits\.memory is 64Mi: expected at least 96Mi/,
    ],
    [
      'too little memory in bytes',
      { 'resources.limits.memory': 64_000_000 },
      /expected at least 96Mi/,
    ],
    [
      'a recording on a read-only file system',
      { 'config.batching.mode': 'shadow', 'config.record.file': '/data/x.csv' },
      /config\.record\.file is \/data\/x\.csv, but the root file system is read-only/,
    ],
    ['IPv6 for a listener of IPv4', { 'service.ipFamilies': ['IPv6'] }, /need listenHost "::"/],
    [
      'a load balancer that is none',
      { 'service.loadBalancerClass': 'a' },
      /need service\.type LoadBalancer/,
    ],
    [
      'a budget that blocks nodes',
      { 'podDisruptionBudget.minAvailable': 2 },
      /minAvailable is 2 of 2 pods: no node could be drained/,
    ],
    [
      'two hooks before the shutdown',
      { 'lifecycle.preStop': { sleep: { seconds: 1 } }, preStopSleepSeconds: 1 },
      /lifecycle\.preStop and preStopSleepSeconds exclude/,
    ],
    [
      'two sources of settings',
      { existingConfigMap: 'a' },
      /existingConfigMap and config exclude each other/,
    ],
  ])('%s', async (_what, values, message) => {
    const { code, stderr } = await template({ values: { ...upstream, ...values } });
    expect([code, stderr]).toEqual([1, expect.stringMatching(message)]);
  });

  testWithHelm('near pods on an old cluster', async () => {
    const values = { ...upstream, 'service.trafficDistribution': 'PreferClose' };
    const { stderr } = await template({ values, kubeVersion: '1.29.0' });
    expect(stderr).toMatch(/trafficDistribution needs Kubernetes 1\.31/);
  });

  testWithHelm.each(['a"b', 'a;b', 'a$b', 'a{b', 'a b'])(
    'text for an nginx configuration that would end its directive: %s',
    async (text) => {
      // CVE-2025-1097 and CVE-2026-3288 of ingress-nginx: values of annotations and paths became directives.
      for (const values of [
        { 'userAffinity.provider': 'ingressNginx', 'userAffinity.header': text },
        {
          'ingress.hosts': [
            { host: 'a.example', paths: [{ path: `/${text}`, pathType: 'Exact' }] },
          ],
        },
      ]) {
        const { code } = await template({
          values: { ...upstream, 'ingress.enabled': true, ...values },
        });
        expect([values, code]).toEqual([values, 1]);
      }
    },
  );
});
