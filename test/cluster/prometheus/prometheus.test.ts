import { expect, test } from '@jest/globals';
import { onlyWith } from '../../support/real-parts.ts';
import { startPool } from '../../support/pool.ts';
import { UcwaClient } from '../../support/ucwa-client.ts';
import { renderRules } from '../alerts/rules.ts';
import { testWithHelm } from '../support/helm.ts';
import { until } from '../support/processes.ts';
import { callAtOnce, callsAtOnce, oneBatchEach, Replica, users } from '../support/replicas.ts';
import { Prometheus } from './prometheus.ts';

// The rules come from the chart.
const testWithPrometheus = testWithHelm === test ? onlyWith('prometheus') : test.skip;

/** As the chart's values have them, but in seconds what they have in minutes and hours. */
const shortened = {
  'metrics.prometheusRule.window': '8s',
  'metrics.prometheusRule.baseline': '60s',
  'metrics.prometheusRule.for': '2s',
};
const people = users(12);

/** Everybody calls again and again, at proxies that are chosen by user or without regard to users. */
class Load {
  readonly #clients: readonly UcwaClient[];
  readonly #running: Array<Promise<void>> = [];
  #goesOn = true;
  isAffine = true;
  calls = 0;

  constructor(replicas: readonly Replica[]) {
    this.#clients = replicas.map(({ url }) => new UcwaClient(url));
    for (const index of people.keys()) this.#running.push(this.#user(index));
  }

  async stop(): Promise<void> {
    this.#goesOn = false;
    await Promise.all(this.#running);
  }

  async #user(index: number): Promise<void> {
    const user = people[index]!;
    const token = user.tokens[0]!;
    const clientOf = (n: number) => this.#clients[n % this.#clients.length]!;
    while (this.#goesOn) {
      if (this.isAffine) {
        await callAtOnce(clientOf(index), user, token);
      } else {
        const targets = Array.from({ length: callsAtOnce }, (_, n) => n);
        await Promise.all(
          targets.map((n) =>
            clientOf(n).ask(`/ucwa/oauth/v1/applications/${user.application}/me/note?n=${n}`, {
              token,
            }),
          ),
        );
      }
      this.calls += callsAtOnce;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

testWithPrometheus(
  'Prometheus sees what the load knows; alerts fire for lost affinity and for a 429 storm, and stop',
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
    const near = (value: number, expected: number) => Math.abs(value / expected - 1) < 0.1;

    // All is well: targets are up, and the numbers are those of the load.
    const load = new Load(replicas);
    await until(
      () => prometheus.value('sum(up)'),
      (up) => up === 3,
    );
    await until(
      () => prometheus.value('ucwa_proxy:batch_parts:mean'),
      (mean) => near(mean, callsAtOnce),
    );
    await until(
      () => prometheus.value('ucwa_proxy:saved:ratio'),
      (ratio) => near(ratio, 1 - 1 / callsAtOnce),
    );
    const counted = () => prometheus.value('sum(ucwa_proxy_calls_total{via="batch",code="200"})');
    const before = load.calls;
    expect(await until(counted, (calls) => calls >= before)).toBeGreaterThanOrEqual(before);
    expect(await prometheus.value('sum(ucwa_proxy_users)')).toBe(people.length);
    // A baseline to compare with.
    await until(
      () => prometheus.value('count_over_time(ucwa_proxy:calls_per_user:rate[60s])'),
      (count) => count >= 15,
    );
    expect(await prometheus.firing()).toEqual([]);

    // The balancer forgets about users.
    load.isAffine = false;
    const firing = () => prometheus.firing();
    await until(firing, (alerts) => alerts.includes('UcwaProxyAffinityLost'), 250);
    expect(await prometheus.value('ucwa_proxy:saved:ratio')).toBeLessThan(
      0.7 * (1 - 1 / callsAtOnce),
    );
    load.isAffine = true;
    await until(firing, (alerts) => alerts.length === 0, 250);

    // The pool refuses everything.
    const storm = { kind: 'status', status: 429 } as const;
    pool.faults.add({ on: { kind: 'batch' }, times: Infinity, fault: storm });
    pool.faults.add({ on: { kind: 'single' }, times: Infinity, fault: storm });
    await until(firing, (alerts) => alerts.includes('UcwaProxyPoolRefuses'), 250);
    pool.faults.clear();
    await until(firing, (alerts) => alerts.length === 0, 250);
    expect(
      await prometheus.value('sum(ucwa_proxy_upstream_responses_total{code="429"})'),
    ).toBeGreaterThan(0);

    await load.stop();

    // One is gone.
    await replicas[2]!.stop();
    await until(firing, (alerts) => alerts.includes('UcwaProxyDown'), 250);
    await replicas[2]!.start();
    await until(firing, (alerts) => alerts.length === 0, 250);
  },
  240_000,
);
