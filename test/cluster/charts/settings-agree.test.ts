/** Compares the settings that the charts refuse with those that the program refuses. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { loadServeSettings } from '../../../src/settings/load-settings.ts';
import {
  chartFolder,
  helmVersion,
  pick,
  render,
  runHelm,
  template,
  testWithHelm,
} from '../support/helm.ts';

type Config = Record<string, unknown>;

/** A value of a section or none. Small ranges, so that values often contradict each other or a default. */
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });
const bytes = fc.constantFrom(512, 2048, 4_194_304, 8_388_608, 67_108_864, 200_000_000);
const server = fc.constantFrom(
  ...['https://a.example', 'https://A.example:443/', 'http://b.example', 'http://b.example:80'],
  ...[
    'http://localhost:8080',
    'http://127.0.0.1:9464',
    'http://[::1]:8080',
    'http://127.0.0.1:18080',
  ],
);
const tls = fc.record(
  { ca: fc.constant('/ca'), cert: fc.constant('/cert'), key: fc.constant('/key') },
  { requiredKeys: [] },
);
const pool = fc.record(
  {
    name: fc.constantFrom('a', 'b', 'c', 'A'),
    hosts: fc.array(fc.constantFrom('x.example', 'X.example.', 'y.example:443', '*', '*.z'), {
      maxLength: 2,
    }),
    servers: fc.array(server, { minLength: 1, maxLength: 2 }),
    fallback: fc.array(server, { maxLength: 1 }),
    plainServers: fc.array(fc.constantFrom('http://c.example', 'http://localhost:8080'), {
      maxLength: 1,
    }),
    tls,
  },
  { requiredKeys: ['name', 'servers'] },
);
const sections = {
  upstream: fc.record(
    { url: server, timeoutMs: fc.constantFrom(100, 500, 30_000), tls },
    { requiredKeys: [] },
  ),
  pools: fc.array(pool, { maxLength: 3 }),
  listen: fc.record(
    {
      headersTimeoutMs: fc.constantFrom(100, 10_000, 70_000),
      requestTimeoutMs: fc.constantFrom(100, 9000, 60_000),
      trustedProxies: fc.array(
        fc.constantFrom('foo', '10.0.0.0/8', '10.0.0.0/33', 'fd00::1', '::ffff:1.2.3.4', '1.2.3'),
        { maxLength: 2 },
      ),
      tls: fc.record(
        {
          cert: fc.constant('/cert'),
          key: fc.constant('/key'),
          certs: fc.array(fc.constant({ cert: '/c2', key: '/k2' }), { maxLength: 1 }),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: [] },
  ),
  batching: fc.record(
    {
      mode: fc.constantFrom('adaptive', 'off', 'shadow', 'fixed', 'on'),
      lingerMaxMs: fc.constantFrom(0, 15, 200, 1000, 1001),
    },
    { requiredKeys: [] },
  ),
  limits: fc.record(
    {
      maxQueuedCalls: fc.constantFrom(0, 499, 10_000, 30_000),
      maxQueuedCallsPerUser: fc.constantFrom(1, 200, 500, 20_000),
      maxQueuedBytes: bytes,
      maxQueuedBytesPerUser: bytes,
      maxResponseBytes: bytes,
      maxBufferedResponseBytes: bytes,
    },
    { requiredKeys: [] },
  ),
  record: fc.record({ file: fc.constant('/data/x') }, { requiredKeys: [] }),
};
const config: fc.Arbitrary<Config> = fc
  .record({
    ...sections,
    // Most configurations have one right pool, so that other settings decide.
    upstream: fc.oneof(
      { weight: 3, arbitrary: fc.constant({ url: 'https://a.example' }) },
      { weight: 1, arbitrary: sections.upstream },
    ),
    pools: fc.oneof(
      { weight: 5, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: sections.pools },
    ),
    listen: maybe(sections.listen),
    batching: maybe(sections.batching),
    limits: maybe(sections.limits),
    record: maybe(sections.record),
  })
  .map((value) => JSON.parse(JSON.stringify(value)) as Config);
const sampled = (count: number, seed: number) => fc.sample(config, { numRuns: count, seed });

const refusedByProgram = (value: Config, listen: string, admin: string): boolean =>
  !loadServeSettings({
    flags: { config: 'c.yaml', listen, admin },
    env: {},
    readFile: () => stringify(value),
  }).ok;

const charts = [
  { chart: 'ucwa-batch-proxy', prefix: 'ucwa-batch-proxy', host: '0.0.0.0' },
  { chart: 'ucwa-batch-sidecar', prefix: 'ucwa-batch', host: '127.0.0.1' },
];

describe.each(charts)('the rules of $chart', ({ chart, prefix, host }) => {
  // A copy of the chart that applies the rules to a list of settings, because 1,500 runs of Helm take long.
  const copy = mkdtempSync(join(tmpdir(), 'ucwa-rules-'));
  afterAll(() => rmSync(copy, { recursive: true }));
  beforeAll(() => {
    cpSync(
      join(chartFolder(chart), 'templates/_settings.tpl'),
      join(copy, 'templates/_settings.tpl'),
      {
        recursive: true,
      },
    );
    writeFileSync(join(copy, 'Chart.yaml'), 'apiVersion: v2\nname: rules\nversion: 0.1.0\n');
    writeFileSync(
      join(copy, 'templates/rules.yaml'),
      `{{- $listeners := dict "listen.address" (dict "host" "${host}" "port" 8080) "admin.address" (dict "host" "${host}" "port" 9464) }}
apiVersion: v1
kind: ConfigMap
metadata: { name: rules }
data:
{{- range $i, $config := .Values.configs }}
  c{{ $i }}: {{ include "${prefix}.settingProblems" (dict "config" $config "env" list "args" list "listeners" $listeners) | quote }}
{{- end }}
`,
    );
  });

  testWithHelm(
    'and its schema refuse exactly the settings that the program refuses',
    async () => {
      const { properties } = JSON.parse(
        readFileSync(join(chartFolder(chart), 'values.schema.json'), 'utf8'),
      ) as { properties: { config: object } };
      const fits = new Ajv({ strict: false, logger: false }).compile(properties.config);
      const namesPool = ({ upstream, pools }: Config): boolean =>
        (upstream as Config)['url'] !== undefined || (pools as unknown[]).length > 0;
      const configs = sampled(3000, 21).filter((one) => fits(one) && namesPool(one));
      expect(configs.length).toBeGreaterThan(500);
      const { data } = pick(
        await render({ chart: copy, values: { configs } }),
        'ConfigMap',
      ) as unknown as { data: Record<string, string> };
      const seen = configs.map((one, i) => ({ one, says: data[`c${i}`] }));
      const differing = seen.filter(({ one, says }) => {
        return (says !== '') !== refusedByProgram(one, `${host}:8080`, `${host}:9464`);
      });
      expect(differing.slice(0, 5)).toEqual([]);
      const messages = new Set(seen.flatMap(({ says = '' }) => says.split('\n')));
      const kinds = new Set([...messages].map((text) => text.replaceAll(/\d+|: .*|\bis .*/g, '')));
      expect(kinds.size).toBeGreaterThan(15);
      // The program refuses everything that the schema refuses.
      for (const one of sampled(3000, 22)) {
        if (fits(one)) continue;
        expect([one, refusedByProgram(one, `${host}:8080`, `${host}:9464`)]).toEqual([one, true]);
      }
    },
    120_000,
  );
});

testWithHelm.each([
  ['ucwa-batch-proxy', 'config', '0.0.0.0', 8080, 9464],
  ['examples/mobile-bff', 'ucwaBatch.config', '0.0.0.0', 18080, 19464],
])(
  'Helm refuses with %s what the program refuses',
  async (chart, key, adminHost, port, adminPort) => {
    if (chart.startsWith('examples')) await runHelm('dependency', 'build', chartFolder(chart));
    for (const one of sampled(25, 23)) {
      const mounts = key.replace('config', 'extraVolumeMounts');
      const { code } = await template({
        chart,
        values: { [key]: one, [mounts]: [{ name: 'data', mountPath: '/data' }] },
      });
      const listenHost = chart.startsWith('examples') ? '127.0.0.1' : '0.0.0.0';
      const isRefused = refusedByProgram(one, `${listenHost}:${port}`, `${adminHost}:${adminPort}`);
      expect([one, code !== 0]).toEqual([one, isRefused]);
    }
  },
  120_000,
);

testWithHelm.each<[string, Record<string, unknown>, RegExp]>([
  [
    'a limit of one user above that of all',
    { 'config.limits.maxQueuedCallsPerUser': 20_000 },
    /config\.limits\.maxQueuedCallsPerUser is 20000: expected at most config\.limits\.maxQueuedCalls, which is 10000 by default/,
  ],
  [
    'less room for all answers than for one',
    { 'config.limits.maxBufferedResponseBytes': 1024 },
    /maxResponseBytes is 8388608 by default: expected at most config\.limits\.maxBufferedResponseBytes, which is 1024/,
  ],
  [
    'less room for all calls than for those of one user',
    { 'config.limits.maxQueuedBytes': 2048 },
    /maxQueuedBytesPerUser is 4194304 by default/,
  ],
  [
    'a recording while calls are batched',
    { 'config.record.file': '/data/x' },
    /config\.record\.file needs config\.batching\.mode off or shadow, but the mode is adaptive by default/,
  ],
  [
    'a trusted proxy that is no address',
    { 'config.listen.trustedProxies': ['foo'] },
    /trustedProxies/,
  ],
  [
    'a limit in a variable that contradicts a setting',
    { extraEnv: [{ name: 'UCWA_PROXY_LIMITS_MAX_QUEUED_CALLS', value: '9' }] },
    /maxQueuedCallsPerUser is 500 by default: expected at most config\.limits\.maxQueuedCalls, which is 9/,
  ],
  [
    'the address of the proxy as that of the pool',
    { 'config.upstream.url': 'http://localhost:8080' },
    /expected the address of the pool, not the proxy's own listen\.address/,
  ],
  [
    'a host of the Ingress without paths',
    { 'ingress.enabled': true, 'ingress.hosts': ['foo'] },
    /ingress\.hosts\[0\] is "foo": expected a host with paths, such as/,
  ],
  [
    'an address of the pool without a prefix length',
    { 'networkPolicy.restrictEgress': true, 'networkPolicy.upstreamCidrs': ['10.0.0.0'] },
    /networkPolicy\.upstreamCidrs\[0\] is 10\.0\.0\.0: expected an address with a prefix length/,
  ],
])('%s gets a sentence', async (_what, values, message) => {
  const given = { 'config.upstream.url': 'https://a.example', ...values };
  const { code, stderr } = await template({ values: given });
  expect([code, stderr]).toEqual([1, expect.stringMatching(message)]);
});

testWithHelm('a setting that only the cluster knows contradicts nothing', async () => {
  const valueFrom = { configMapKeyRef: { name: 'mode', key: 'mode' } };
  for (const values of [
    { extraEnv: [{ name: 'UCWA_PROXY_BATCHING_MODE', value: 'off' }] },
    { extraEnv: [{ name: 'UCWA_PROXY_BATCHING_MODE', valueFrom }] },
    { extraArgs: ['--mode', 'shadow'] },
  ]) {
    const given = {
      ...{ 'config.upstream.url': 'https://a.example', 'config.record.file': '/data/x' },
      ...{ extraVolumeMounts: [{ name: 'data', mountPath: '/data' }] },
      extraVolumes: [{ name: 'data', emptyDir: {} }],
    };
    expect((await template({ values: { ...given, ...values } })).stderr).toBe('');
  }
});

test('control: the settings of these tests are partly right, partly wrong', () => {
  if (helmVersion === undefined) return;
  const wrong = sampled(500, 24).filter((one) => {
    return refusedByProgram(one, '0.0.0.0:8080', '0.0.0.0:9464');
  });
  expect(wrong.length).toBeGreaterThan(50);
  expect(wrong.length).toBeLessThan(460);
});
