import { expect, test } from '@jest/globals';
import { onlyWith } from '../../support/real-parts.ts';
import { startPool } from '../../support/pool.ts';
import { renderRules } from '../alerts/rules.ts';
import { testWithHelm } from '../support/helm.ts';
import { until } from '../support/processes.ts';
import { callsAtOnce, oneBatchEach, Replica, users } from '../support/replicas.ts';
import { Load } from './load.ts';
import { evaluatedEveryMs, Prometheus } from './prometheus.ts';
import { splitsSeen } from './splits-seen.ts';

// The rules come from the chart, so the test also needs Helm.
const testWithPrometheus = testWithHelm === test ? onlyWith('prometheus') : test.skip;

/** The chart's values, with seconds in place of minutes and hours. */
const windowSeconds = 6;
const shortened = {
  'metrics.prometheusRule.window': `${windowSeconds}s`,
  'metrics.prometheusRule.baseline': '60s',
  'metrics.prometheusRule.for': '2s',
};
const people = users(12);
const isNear = (value: number, expected: number) => Math.abs(value / expected - 1) < 0.1;

testWithPrometheus(
  'Prometheus measures what the load sends, and alerts for lost affinity and for many 429 answers fire and stop',
  async () => {
    const pool = await startPool({ limit: 10_000 });
    const env = {
      ...oneBatchEach,
      UCWA_PROXY_BATCHING_LINGER_MAX_MS: '40',
      UCWA_PROXY_LIMITS_USER_IDLE_MS: '1000',
    };
    const replicas: Replica[] = [];
    for (let i = 0; i < 3; i += 1) replicas.push(await Replica.start(pool.url, env));
    const { text } = await renderRules(shortened);
    const prometheus = await Prometheus.start(
      replicas.map(({ adminPort }) => adminPort),
      text,
    );
    const value = (expr: string) => prometheus.value(expr);
    const untilIs = (expr: string, expected: number) =>
      until(
        () => value(expr),
        (seen) => seen === expected,
      );
    // On a busy machine other alerts may fire as well, correctly.
    const awaited = ['UcwaProxyAffinityLost', 'UcwaProxyPoolRefuses', 'UcwaProxyDown'];
    const firing = async () =>
      (await prometheus.firing()).filter((alert) => awaited.includes(alert));
    const untilFires = (name: string) => until(firing, (alerts) => alerts.includes(name), 250);
    const untilQuiet = () => until(firing, (alerts) => alerts.length === 0, 250);

    // Normal operation: the targets are up, and the numbers are those of the load.
    const load = new Load(replicas, people);
    load.start();
    await untilIs('sum(up)', 3);
    await until(
      () => value('ucwa_proxy:batch_parts:mean'),
      (mean) => isNear(mean, callsAtOnce),
    );
    await until(
      () => value('ucwa_proxy:saved:ratio'),
      (ratio) => isNear(ratio, 1 - 1 / callsAtOnce),
    );
    await untilIs('sum(ucwa_proxy_users)', people.length);
    // Wait until normal operation fills most of the 60 s baseline, so that its median stays normal during the
    // lost affinity.
    await until(
      () => value('count_over_time(ucwa_proxy:calls_per_user:rate[60s])'),
      (count) => count >= 45,
    );
    expect(await firing()).toEqual([]);

    // The balancer ignores users.
    load.isAffine = false;
    await untilFires('UcwaProxyAffinityLost');
    expect(await value('ucwa_proxy:saved:ratio')).toBeLessThan(0.7 * (1 - 1 / callsAtOnce));
    load.isAffine = true;
    await untilQuiet();

    // The pool allows each user fewer calls than arrive at once, so batches are split.
    await load.stop();
    pool.ledger.clear();
    const lateCalls = 'sum(ucwa_proxy_repeats_total{reason="late"})';
    await untilIs('sum(ucwa_proxy_calls_total)', load.calls);
    const before = await value(lateCalls);
    pool.setLimit(3);
    load.start();
    await until(
      () => value('ucwa_proxy:splits:rate'),
      (rate) => rate > 0,
    );
    await load.stop();
    await untilIs('sum(ucwa_proxy_calls_total)', load.calls);
    // On a busy machine some calls are retried beside their batch, so the sums may differ by these
    // retries.
    const late = await value(lateCalls);
    const expectSum = async (metric: string, expected: number, differing = late - before) => {
      const seen = await value(`sum(${metric})`);
      const isRight = Math.abs(seen - expected) <= differing;
      expect({ metric, seen, expected, differing, isRight }).toMatchObject({ isRight: true });
    };
    const { byDepth, refusedCalls, pieces } = splitsSeen(pool);
    expect(byDepth['1']).toBeGreaterThan(people.length / 2);
    for (const depth of ['1', '2', '3', '4+']) {
      await expectSum(`ucwa_proxy_429_splits_total{depth="${depth}"}`, byDepth[depth] ?? 0);
    }
    await expectSum('ucwa_proxy_split_parts_count', pieces);
    await expectSum('ucwa_proxy_requeued_calls_total', refusedCalls);
    // The rate, summed over time, equals the number of splits.
    const splits = await value('sum(ucwa_proxy_429_splits_total)');
    await untilIs('ucwa_proxy:splits:rate', 0);
    const sum = await value('sum_over_time(ucwa_proxy:splits:rate[120s])');
    expect((sum * evaluatedEveryMs) / 1000 / splits).toBeGreaterThan(0.5);
    expect((sum * evaluatedEveryMs) / 1000 / splits).toBeLessThan(1.5);
    // The total number of calls minus the number of requests at the pool.
    const { batches, singles } = pool.stats();
    await expectSum('ucwa_proxy_upstream_requests_saved', load.calls - batches - singles, late);
    pool.setLimit(10_000);

    // The pool refuses everything.
    const storm = { kind: 'status', status: 429 } as const;
    pool.faults.add({ on: { kind: 'batch' }, times: Infinity, fault: storm });
    pool.faults.add({ on: { kind: 'single' }, times: Infinity, fault: storm });
    load.start();
    await untilFires('UcwaProxyPoolRefuses');
    pool.faults.clear();
    await untilQuiet();
    await load.stop();

    // One proxy is gone.
    await replicas[2]!.stop();
    await untilFires('UcwaProxyDown');
    await replicas[2]!.start();
    await untilQuiet();
  },
  240_000,
);
