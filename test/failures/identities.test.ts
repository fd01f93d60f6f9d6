/**
 * No client is answered as another one: many random orders of many clients on real sockets, in
 * front of a pool that keeps sign-ins on connections. Faults planted into the proxy show that these
 * tests find such faults.
 */
import { describe, expect, jest, test } from '@jest/globals';
import { BoundConnections } from '../../src/pass-through/bound-connections.ts';
import { createPassThrough, type PassThrough } from '../../src/pass-through/pass-through.ts';
import { onCleanup } from '../support/cleanup.ts';
import { startDoctoredProxy } from '../support/doctored-proxy.ts';
import { fuzzSeed, isLongFuzz } from '../support/fuzz-budget.ts';
import { startProxy } from '../support/proxy.ts';
import { runCrowd } from '../support/signing-crowd.ts';
import { startSigningPool } from '../support/signing-pool.ts';

/** Fewer turns than under `FUZZ_MINUTES=1`, which takes four minutes. */
const turns = isLongFuzz ? 10_000 : 2000;

test(`of 20 clients, half of which sign in by connection, none is answered as another one in ${turns} orders`, async () => {
  const seed = fuzzSeed();
  const pool = await startSigningPool();
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_UPSTREAM_CONNECTION_AUTH: 'bind',
    UCWA_PROXY_LOG_ACCESS: 'problems',
    // With this limit no request waits for an idle connection.
    UCWA_PROXY_UPSTREAM_MAX_CONNECTIONS: '1000',
  });
  const result = await runCrowd(proxy.port, turns, seed);
  const { foreign, shared } = result;
  expect({ seed, foreign, shared }).toEqual({ seed, foreign: [], shared: [] });
  expect(result.turns).toBe(turns);
  expect(result.signedIn).toBeGreaterThan(turns);
  expect(result.leavers).toBeGreaterThan(turns);
  const metrics = await proxy.metrics();
  const violations = metrics.get(
    'ucwa_proxy_invariant_violations_total{invariant="own_connection"}',
  );
  expect({ seed, violations }).toEqual({ seed, violations: 0 });
  await proxy.untilMetric('ucwa_proxy_bound_connections', (count) => count === 0);
  process.stdout.write(`identities: ${JSON.stringify({ ...result, seed })}\n`);
});

/** A change between the handler and the pass-through. */
type Plant = (passThrough: PassThrough) => Partial<PassThrough>;

async function crowdBefore(plant: Plant) {
  const pool = await startSigningPool();
  const observed = { unsolicited: () => undefined, internalError: () => undefined };
  const passThrough = createPassThrough({
    upstream: new URL(pool.url),
    ...{
      maxConnections: 8,
      connectTimeoutMs: 1000,
      idleSocketTimeoutMs: 1000,
      // Requests that a planted fault leaves without a connection are answered after this time.
      idleTimeoutMs: 100,
    },
    bound: { maxConnections: 100, idleSocketTimeoutMs: 5000, maxAgeMs: 60_000 },
    observer: observed,
    restMs: 0,
    maxBodyBytes: 1_000_000,
  });
  onCleanup(() => passThrough.stop());
  const proxy = await startDoctoredProxy(pool.url, {
    policy: { mode: 'off' },
    pool: { connectionAuth: 'bind', passThrough: { ...passThrough, ...plant(passThrough) } },
  });
  const { foreign, shared } = await runCrowd(proxy.port, 200, 1);
  return { foreign, shared, violations: await proxy.violations() };
}

test('control: without a planted fault the proxy is right', async () => {
  expect(await crowdBefore(() => ({}))).toEqual({ foreign: [], shared: [], violations: {} });
});

describe('a planted fault is found, and stopped before a client is answered as another one:', () => {
  test.each<[string, Plant]>([
    [
      'a client is bound with its second credential',
      (passThrough) => {
        const seen = new WeakSet<object>();
        return {
          forward(call, observer) {
            const isFirst = call.isBound && !seen.has(call.request.socket);
            if (isFirst) seen.add(call.request.socket);
            return passThrough.forward({ ...call, isBound: call.isBound && !isFirst }, observer);
          },
        };
      },
    ],
    [
      'a scheme in another spelling is overlooked',
      (passThrough) => ({
        forward(call, observer) {
          const isOverlooked = /nego2/i.test(call.request.headers.authorization ?? '');
          return passThrough.forward({ ...call, isBound: call.isBound && !isOverlooked }, observer);
        },
      }),
    ],
    [
      'a bound client asks without a credential over a shared connection',
      (passThrough) => ({
        forward(call, observer) {
          const isBound = call.isBound && call.request.headers.authorization !== undefined;
          return passThrough.forward({ ...call, isBound }, observer);
        },
      }),
    ],
  ])('%s', async (_, plant) => {
    const { foreign, violations } = await crowdBefore(plant);
    expect(foreign).toEqual([]);
    expect(violations['own_connection'] ?? 0).toBeGreaterThan(0);
  });

  test('after a client leaves, its connection is given to another client', async () => {
    const own = Object.getOwnPropertyDescriptor(BoundConnections.prototype, 'of')
      ?.value as BoundConnections['of'];
    const given: Array<ReturnType<BoundConnections['of']>> = [];
    jest.spyOn(BoundConnections.prototype, 'of').mockImplementation(function (
      this: BoundConnections,
      client,
    ) {
      const connections = own.call(this, client);
      given.push(connections);
      return given.at(-20) ?? connections;
    });
    const { foreign, violations } = await crowdBefore(() => ({}));
    expect(foreign).toEqual([]);
    expect(violations['own_connection'] ?? 0).toBeGreaterThan(0);
  });
});

test('control: a client that no challenge binds is found, because it shares a connection afterwards', async () => {
  const { shared } = await crowdBefore((passThrough) => ({
    forward(call, observer) {
      const responded: typeof observer.responded = (status, fields) => {
        observer.responded(status, []);
        return fields;
      };
      return passThrough.forward(call, { ...observer, responded });
    },
  }));
  expect(shared.length).toBeGreaterThan(0);
});
