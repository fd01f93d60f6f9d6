import { expect, test } from '@jest/globals';
import { fitLimits } from '../../src/settings/fit-limits.ts';
import { loadServeSettings } from '../../src/settings/load-settings.ts';
import { readAdmin } from '../support/metric-values.ts';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';

test('the metrics show the limits in force by the names of their settings', async () => {
  const proxy = await startProxy((await startPool()).url, {
    UCWA_PROXY_LIMITS_MAX_CONNECTIONS: '321',
    UCWA_PROXY_LIMITS_MAX_QUEUED_CALLS: '1234',
  });
  const { body } = await readAdmin(proxy.ports.admin, '/metrics');
  const limits: Readonly<Record<string, number>> = Object.fromEntries<number>(
    [...body.matchAll(/^ucwa_proxy_limit\{limit="(\w+)"\} (\d+)$/gm)].map(
      ([, name = '', value = '']) => [name, Number(value)],
    ),
  );
  expect(limits).toEqual({
    maxConnections: 321,
    maxLongPolls: 10_000,
    maxBoundConnections: 2000,
    maxUsers: 50_000,
    maxQueuedCalls: 1234,
    maxQueuedCallsPerUser: 500,
    maxQueuedBytes: 67_108_864,
    maxQueuedBytesPerUser: 4_194_304,
    maxResponseBytes: 8_388_608,
    maxBufferedResponseBytes: 67_108_864,
  });
});

test('the metric covers every limit that the proxy lowers', () => {
  const loaded = loadServeSettings({
    flags: { upstream: 'https://a.example' },
    env: { UCWA_PROXY_UPSTREAM_CONNECTION_AUTH: 'bind' },
    readFile: () => '',
  });
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  const few = { heapBytes: 1e6, openFiles: 2000 };
  const fitted = fitLimits(loaded.settings, few, () => false);
  const lowered = Object.keys(fitted.lowered).map((key) => key.split('.').at(-1));
  expect(lowered).toEqual(
    expect.arrayContaining(['maxConnections', 'maxQueuedCalls', 'maxBoundConnections', 'maxUsers']),
  );
  const shown = [
    ...['maxConnections', 'maxLongPolls', 'maxBoundConnections', 'maxUsers', 'maxQueuedCalls'],
    ...['maxQueuedBytes', 'maxBufferedResponseBytes'],
  ];
  expect(lowered.filter((name) => !shown.includes(name ?? ''))).toEqual([]);
});
