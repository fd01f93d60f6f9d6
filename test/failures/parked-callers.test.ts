/**
 * A pool that accepts calls and never answers holds every caller. The test measures the cost and
 * the end.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { call, connectMany, countByStatus, quantile, timed } from '../support/crowd.ts';
import { Program } from '../support/program.ts';
import { startProxyProcess, type ProxyProcess } from '../support/proxy-process.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';

let program: Program;

beforeAll(() => {
  program = Program.install();
});

afterAll(() => program.remove());

const MiB = 1024 * 1024;
const callers = 10_000;
const deadlineMs = 10_000;
/** Time that a busy machine may add to deadlines of ten seconds. */
const graceMs = 1000;
/** Tokens are as long as real ones. Four callers have the same token. */
const tokenOf = (caller: number): string => `cwt=sim-u${caller >> 2}-`.padEnd(1500, 'x');
const body = JSON.stringify({ message: 'n'.repeat(1000) });
/** Half of the callers send a GET, the others a POST. */
const callOf = (caller: number): string =>
  call(tokenOf(caller), `me/note?n=${caller}`, caller % 2 === 0 ? '' : body);

async function untilParked(proxy: ProxyProcess, count: number): Promise<void> {
  const names = ['ucwa_proxy_held_calls', 'ucwa_proxy_outstanding_calls'];
  for (;;) {
    const metrics = await proxy.metrics();
    const parked = names.reduce((sum, name) => sum + (metrics.get(name) ?? 0), 0);
    if (count === 0 ? parked === 0 : parked >= count) return;
  }
}

test('10,000 callers of a hung pool cost at most 256 MiB, the next one is refused within 50 ms, each is answered at its deadline, and the memory is free after 10 s', async () => {
  const pool = await startScriptedPool(() => undefined);
  const proxy = await startProxyProcess(program, pool.url, {
    env: {
      UCWA_PROXY_UPSTREAM_TIMEOUT_MS: String(deadlineMs),
      // All callers are connected before the first one asks.
      UCWA_PROXY_LISTEN_HEADERS_TIMEOUT_MS: '60000',
    },
  });
  const baseBytes = await proxy.residentBytes();
  // The first callers leave again, so that the one-time cost of a first call does not count as a
  // leak.
  const first = await connectMany(proxy.port, 500);
  for (const [i, client] of first.entries()) client.send(callOf(i));
  await untilParked(proxy, first.length);
  for (const client of first) client.leave();
  await untilParked(proxy, 0);
  const baseHeapBytes = await proxy.liveHeapBytes();

  const clients = await connectMany(proxy.port, callers);
  const [another] = await connectMany(proxy.port, 1);
  const startedAtMs = performance.now();
  const answering = Promise.all(clients.map((client, i) => timed(client, callOf(i))));
  await untilParked(proxy, callers);
  const parkedWithinMs = performance.now() - startedAtMs;
  const parkedBytes = await proxy.residentBytes();

  const refused = [];
  for (let i = 0; i < 51; i += 1) refused.push(await timed(another!, callOf(callers)));
  const answers = await answering;
  for (const client of [...clients, another!]) client.leave();
  const endedAtMs = performance.now();
  // The live heap is measured, because V8 returns pages to the system at times of its own choice.
  let heapBytes = Infinity;
  while (heapBytes > baseHeapBytes * 1.1 && performance.now() < endedAtMs + 10_000) {
    heapBytes = await proxy.liveHeapBytes();
  }

  expect((parkedBytes - baseBytes) / MiB).toBeLessThanOrEqual(256);
  expect(countByStatus(refused)).toEqual({ 503: refused.length });
  const refusedMs = refused.map(({ ms }) => ms);
  expect(quantile(refusedMs, 0.5)).toBeLessThanOrEqual(50);
  expect((await proxy.metrics()).get('ucwa_proxy_refused_total{reason="queue_calls"}')).toBe(
    refused.length,
  );
  // 504: the call was sent, and its outcome is unknown. 503: the call was never sent.
  const { 503: unsent = 0, 504: unknown = 0 } = countByStatus(answers);
  expect(unsent + unknown).toBe(callers);
  expect(unknown).toBeGreaterThan(0);
  const answeredMs = answers.map(({ ms }) => ms);
  expect(quantile(answeredMs, 0)).toBeGreaterThanOrEqual(deadlineMs - 1);
  // A slow machine also takes longer to answer all of them at once.
  const lateMs = Math.max(graceMs, 2 * parkedWithinMs);
  expect(quantile(answeredMs, 1)).toBeLessThanOrEqual(deadlineMs + parkedWithinMs + lateMs);
  expect(heapBytes).toBeLessThanOrEqual(baseHeapBytes * 1.1);
});
