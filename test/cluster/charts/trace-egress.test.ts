/** The way to the collector of traces, if the chart limits what the pods reach. */
import { expect } from '@jest/globals';
import { pick, render, testWithHelm, upstream } from '../support/helm.ts';

interface Rule {
  readonly ports?: ReadonlyArray<{ readonly port: number; readonly protocol: string }>;
  readonly to?: readonly unknown[];
}

/** The rules beyond those for name servers and for the pool. */
async function furtherRules(values: Readonly<Record<string, unknown>>): Promise<readonly Rule[]> {
  const all = { ...upstream, 'networkPolicy.restrictEgress': true, ...values };
  const policy = pick(await render({ values: all }), 'NetworkPolicy');
  return (policy['spec'] as { egress: readonly Rule[] }).egress.slice(2);
}

const ports = (port: number) => [{ port, protocol: 'TCP' }];
const endpoint = 'config.trace.endpoint';

testWithHelm('the pods reach the port of the collector that the settings name', async () => {
  expect(await furtherRules({})).toEqual([]);
  expect(await furtherRules({ [endpoint]: 'http://collector.tracing:4318' })).toEqual([
    { ports: ports(4318) },
  ]);
  expect(await furtherRules({ [endpoint]: 'https://traces.example/otlp' })).toEqual([
    { ports: ports(443) },
  ]);
});

testWithHelm(
  'the pods reach only the peers that are the collector, if they are given',
  async () => {
    const peer = {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'tracing' } },
    };
    const values = {
      [endpoint]: 'http://collector.tracing:4318',
      'networkPolicy.traceCollector': [peer],
    };
    expect(await furtherRules(values)).toEqual([{ ports: ports(4318), to: [peer] }]);
  },
);

testWithHelm(
  'the pods reach the collector of a variable, which comes before the settings',
  async () => {
    const general = { name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: 'http://$(HOST_IP):4001' };
    const ofTraces = {
      name: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
      value: 'http://{{ .Release.Name }}-collector:4002/v1/traces',
    };
    const own = { name: 'UCWA_PROXY_TRACE_ENDPOINT', value: 'http://collector:4003' };
    const rulesWith = (...extraEnv: readonly object[]) =>
      furtherRules({ extraEnv, [endpoint]: 'http://collector:4318' });
    expect(await rulesWith(general)).toEqual([{ ports: ports(4001) }]);
    expect(await rulesWith(general, ofTraces)).toEqual([{ ports: ports(4002) }]);
    expect(await rulesWith(own, general, ofTraces)).toEqual([{ ports: ports(4003) }]);
  },
);
