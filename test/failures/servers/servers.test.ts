/** A pool of three servers under 300 calls a second, while one server after the other fails. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { Simulator } from '../../../src/simulator/simulator.ts';
import type { ServerReport } from '../../../src/upstream/servers/pool-servers.ts';
import { readAdmin } from '../../support/metric-values.ts';
import { startPool } from '../../support/pool.ts';
import { startProxyFrom, type TestProxy } from '../../support/proxy.ts';
import { type Relay, startRelay } from '../../support/relay.ts';
import { type Made, Traffic } from './traffic.ts';

const ejectedWithinMs = 2000;
const backWithinMs = 10_000;
const patienceMs = 15_000;
const slowestMs = 4000;

/** A simulated pool stands for a server. A relay in front of it can refuse connections. */
interface Server {
  readonly pool: Simulator;
  readonly relay: Relay;
}

async function startServer(): Promise<Server> {
  const pool = await startPool({ latency: 10, eventSecondMs: 10 });
  return { pool, relay: await startRelay(pool.port) };
}

/** The lines of the log that match, from now on. */
function newLines(proxy: TestProxy, pattern: RegExp): () => string[] {
  const seen = proxy.log.length;
  return () => proxy.log.slice(seen).filter((line) => pattern.test(line));
}

async function timeUntil(condition: () => boolean): Promise<number> {
  const startMs = performance.now();
  const tookMs = (): number => performance.now() - startMs;
  while (!condition() && tookMs() < patienceMs) await delay(10);
  return tookMs();
}

const html = { contentType: 'text/html', body: '<h1>Service Unavailable</h1>' };

test('one server is killed, one hangs, one answers 503: no GET fails, no write runs twice, and each is back soon', async () => {
  const servers = await Promise.all([startServer(), startServer(), startServer()]);
  const [first, second, third] = servers;
  const origins = servers.map(({ relay }) => relay.url);
  const proxy = await startProxyFrom(
    `pools: ${JSON.stringify([{ name: 'a', servers: origins }])}`,
    { UCWA_PROXY_UPSTREAM_TIMEOUT_MS: '5000', UCWA_PROXY_LOG_ACCESS: 'problems' },
  );
  const traffic = new Traffic(proxy.url);
  // At first all users are new, and their calls wait for each other.
  await timeUntil(() => traffic.made.length > 500 && traffic.isQuick);
  const warmAtMs = performance.now();

  /** Times in which a server failed and was not out yet. */
  const windows: Array<{ readonly fromMs: number; readonly toMs: number }> = [];
  const fail = async (server: Server, reason: string, harm: () => unknown, heal: () => unknown) => {
    const out = newLines(proxy, /"msg":"a server of the pool is out"/);
    const back = newLines(proxy, /"msg":"a server of the pool is back"/);
    const fromMs = performance.now();
    await harm();
    const outAfterMs = await timeUntil(() => out().length > 0);
    windows.push({ fromMs, toMs: performance.now() });
    expect(out()[0]).toMatch(new RegExp(`"server":"${server.relay.url}","reason":"(${reason})"`));
    expect([reason, outAfterMs < ejectedWithinMs ? 'soon' : outAfterMs]).toEqual([reason, 'soon']);
    const page = await readAdmin(proxy.ports.admin, '/servers');
    const { servers: reports } = JSON.parse(page.body) as { servers: readonly ServerReport[] };
    const inService = reports.filter(({ state }) => state === 'active').map((one) => one.server);
    expect(inService).toEqual(origins.filter((origin) => origin !== server.relay.url));
    await delay(2000);
    await heal();
    const backAfterMs = await timeUntil(() => back().length > 0);
    expect([reason, backAfterMs < backWithinMs ? 'soon' : backAfterMs]).toEqual([reason, 'soon']);
    expect(out()).toHaveLength(1);
    await delay(500);
  };

  await fail(
    first,
    'connect|reset',
    async () => {
      await first.relay.close();
      first.relay.resetAll();
    },
    () => first.relay.open(),
  );
  await fail(
    second,
    'silent',
    () => second.pool.faults.add({ on: {}, times: Infinity, fault: { kind: 'hang' } }),
    () => second.pool.faults.clear(),
  );
  await fail(
    third,
    'unavailable',
    () =>
      third.pool.faults.add({
        on: {},
        times: Infinity,
        fault: { kind: 'status', status: 503, ...html },
      }),
    () => third.pool.faults.clear(),
  );
  await traffic.stop();

  const { made, pollStatuses } = traffic;
  const runs = (nonce: string): number =>
    servers.reduce((sum, { pool }) => sum + pool.ledger.executions(nonce).length, 0);
  expect(made.length).toBeGreaterThan(1000);
  expect(made.filter(({ isWrite, outcome }) => !isWrite && outcome !== '200')).toEqual([]);
  expect(made.filter(({ isWrite, nonce }) => isWrite && runs(nonce) > 1)).toEqual([]);
  const writes = made.filter(({ isWrite }) => isWrite);
  const lost = writes.filter(({ outcome }) => outcome !== '204');
  // A write fails only if it travels while a server fails that is not out yet.
  const isExplained = ({ startedAtMs, tookMs }: Made): boolean =>
    windows.some(({ fromMs, toMs }) => startedAtMs < toMs && startedAtMs + tookMs > fromMs);
  expect(lost.filter((one) => !isExplained(one))).toEqual([]);
  // A write that was answered with success ran, and on one server only.
  expect(writes.filter(({ nonce, outcome }) => outcome === '204' && runs(nonce) !== 1)).toEqual([]);
  expect(new Set(pollStatuses)).toEqual(new Set([200]));
  // Its server hangs for up to 2 s, and the call may then be the trial of another failed server.
  const warm = made.filter(({ isWrite, startedAtMs }) => !isWrite && startedAtMs > warmAtMs);
  expect(warm.filter(({ tookMs }) => tookMs > slowestMs)).toEqual([]);
  for (const { pool } of servers) expect(pool.stats().requests).toBeGreaterThan(100);
}, 120_000);
