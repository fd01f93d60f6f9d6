import { describe, expect, test } from '@jest/globals';
import type { Simulator } from '../../../src/simulator/simulator.ts';
import { onlyWith } from '../../support/real-parts.ts';
import { readMetrics } from '../../support/metric-values.ts';
import { startPool } from '../../support/pool.ts';
import { UcwaClient } from '../../support/ucwa-client.ts';
import { type Balancer, startBalancer } from '../support/balancers.ts';
import { pick, render, testWithHelm } from '../support/helm.ts';
import { until } from '../support/processes.ts';
import { callAtOnce, callsAtOnce, oneBatchEach, Replica, users } from '../support/replicas.ts';

const balancers: readonly Balancer[] = ['nginx', 'haproxy'];
const people = users(24);

/** Each proxy has its own pool, and each pool's ledger records the calls that reached it. */
async function threeBehind(balancer: Balancer, recipe?: string) {
  const pools = [await startPool(), await startPool(), await startPool()];
  const replicas: Replica[] = [];
  for (const pool of pools) replicas.push(await Replica.start(pool.url, oneBatchEach));
  const client = new UcwaClient(await startBalancer(balancer, replicas, recipe));
  return { pools, replicas, client };
}

/** The numbers of the proxies that the calls of each application reached. */
function places(pools: readonly Simulator[]): Map<string, Set<number>> {
  const found = new Map<string, Set<number>>();
  pools.forEach((pool, number) => {
    for (const { application = '' } of pool.ledger.entries()) {
      found.set(application, (found.get(application) ?? new Set()).add(number));
    }
  });
  return found;
}

const onlyPlace = (all: ReadonlyMap<string, Set<number>>): Map<string, number> =>
  new Map([...all].map(([application, numbers]) => [application, Math.min(...numbers)]));

/**
 * All users call.
 *
 * @returns whether every call succeeded
 */
async function everybodyCalls(client: UcwaClient): Promise<boolean> {
  const statuses = await Promise.all(
    people.map((user) => callAtOnce(client, user, user.tokens[0]!)),
  );
  return statuses.flat().every((status) => status === 200);
}

describe.each(balancers)('behind %s, with the recipe of this project', (balancer) => {
  const testWithBalancer = onlyWith(balancer);

  testWithBalancer(
    'a user stays at one proxy with any token, and batches are complete',
    async () => {
      const { pools, replicas, client } = await threeBehind(balancer);
      for (const time of [0, 1, 2]) {
        await Promise.all(people.map((user) => callAtOnce(client, user, user.tokens[time]!)));
      }
      const all = places(pools);
      expect(all.size).toBe(people.length);
      for (const [application, numbers] of all) {
        expect([application, numbers.size]).toEqual([application, 1]);
      }
      expect(new Set(onlyPlace(all).values()).size).toBe(3);
      // The proxies count, because on a busy machine the pool may not see all of a late batch.
      let [batches, parts] = [0, 0];
      for (const { adminPort } of replicas) {
        const metrics = await readMetrics(adminPort);
        batches += metrics.get('ucwa_proxy_batch_parts_count')!;
        parts += metrics.get('ucwa_proxy_batch_parts_sum')!;
      }
      expect([batches, parts]).toEqual([people.length * 3, people.length * 3 * callsAtOnce]);
    },
  );

  testWithBalancer('calls with both URL forms of an application reach one proxy', async () => {
    const { pools, client } = await threeBehind(balancer);
    await Promise.all(
      people.map(({ application }, i) =>
        client.ask(`/ucwa/v1/applications/${application}/me`, {
          token: '',
          headers: { 'X-MS-WebTicket': `opaque=sim-u${i}` },
        }),
      ),
    );
    await everybodyCalls(client);
    for (const [application, numbers] of places(pools)) {
      expect([application, numbers.size]).toEqual([application, 1]);
    }
  });

  testWithBalancer(
    'when a proxy stops, only its users move, and when it returns, they return',
    async () => {
      const { pools, replicas, client } = await threeBehind(balancer);
      const callAndSee = async () => {
        for (const pool of pools) pool.ledger.clear();
        const isWell = await everybodyCalls(client);
        return { isWell, all: places(pools) };
      };
      const before = onlyPlace((await callAndSee()).all);

      await replicas[1]!.stop();
      const { all: without } = await until(callAndSee, ({ isWell }) => isWell);
      for (const [application, numbers] of without) {
        const home = before.get(application);
        expect([application, numbers.size, numbers.has(1)]).toEqual([application, 1, false]);
        if (home !== 1) expect([application, numbers.has(home!)]).toEqual([application, true]);
      }

      await replicas[1]!.start();
      const isBack = ({ isWell, all }: Awaited<ReturnType<typeof callAndSee>>) =>
        isWell &&
        [...all].every(([id, numbers]) => numbers.size === 1 && numbers.has(before.get(id)!));
      const { all: after } = await until(callAndSee, isBack, 250);
      expect(onlyPlace(after)).toEqual(before);
    },
  );
});

const testWithBoth = testWithHelm === test ? onlyWith('nginx') : test.skip;

testWithBoth(
  'the snippet that the chart gives to the NGINX Ingress Controller does the same',
  async () => {
    const manifests = await render({ files: ['ci/everything-values.yaml'] });
    const { annotations = {} } = pick(manifests, 'Ingress').metadata;
    const servers = [1, 2, 3].map((number) => `server proxy-${number}.example.com:8080;`);
    // In the form in which that controller writes it.
    const { pools, client } = await threeBehind(
      'nginx',
      `upstream proxies { ${annotations['nginx.org/lb-method']!}; ${servers.join(' ')} keepalive 16; }
    server {
      listen 8000;
      ${annotations['nginx.org/server-snippets']!}
      location / {
        proxy_pass http://proxies;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
      }
    }`,
    );
    for (const time of [0, 1, 2]) {
      await Promise.all(people.map((user) => callAtOnce(client, user, user.tokens[time]!)));
    }
    const all = places(pools);
    expect(all.size).toBe(people.length);
    for (const [application, numbers] of all) {
      expect([application, numbers.size]).toEqual([application, 1]);
    }
    expect(new Set(onlyPlace(all).values()).size).toBe(3);
  },
);
