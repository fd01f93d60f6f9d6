/**
 * Callers that leave under load. They harm no other caller, and calls that were not sent never run.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { mulberry32 } from '../../src/simulator/pool/prng.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { call, connectMany } from '../support/crowd.ts';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { UcwaClient } from '../support/ucwa-client.ts';

const users = 30;
const devices = 4;
const callsEach = 25;
const leavers = 0.4;
const longestStayMs = 60;

interface Left {
  readonly nonce: string;
  readonly unsafe: boolean;
}

test('when two in five of 3,000 callers leave at any time, the others get their answers, unsent calls never run, and no write runs twice', async () => {
  const random = mulberry32(7);
  const pool = await startPool({ latency: () => 2 + random() * 20 });
  // Answers to single calls come in pieces, so that callers leave in the middle of an answer.
  pool.faults.add({
    on: { kind: 'single' },
    times: Infinity,
    fault: { kind: 'chunks', sizes: [40], pauseMs: 3 },
  });
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'fixed',
    UCWA_PROXY_BATCHING_LINGER_MAX_MS: '10',
    UCWA_PROXY_LOG_ACCESS: 'problems',
  });
  const wrong: string[] = [];
  const left: Left[] = [];
  const stayed: Left[] = [];

  const ask = async (client: UcwaClient, user: number, nonce: string): Promise<void> => {
    const kind = random();
    const unsafe = kind < 0.3;
    const asked = {
      token: `cwt=sim-u${user}`,
      headers: { 'X-Nonce': nonce, ...(kind > 0.9 ? { 'X-Ucwa-Batch': 'never' } : {}) },
      ...(unsafe ? { method: 'POST', body: '{"message":"x"}' } : {}),
    };
    const target = `/ucwa/oauth/v1/applications/u${user}/me/note?n=${nonce}`;
    const leaves = random() < leavers;
    const leaver = new AbortController();
    if (leaves) setTimeout(() => leaver.abort(), random() * longestStayMs);
    try {
      const answer = await client.ask(target, { ...asked, signal: leaver.signal });
      stayed.push({ nonce, unsafe });
      if (answer.status >= 300) wrong.push(`${nonce} got ${answer.status}`);
      if (answer.headers['x-nonce'] !== nonce) {
        wrong.push(`${nonce} got the answer of ${String(answer.headers['x-nonce'])}`);
      }
    } catch (error) {
      if (leaver.signal.aborted) left.push({ nonce, unsafe });
      else wrong.push(`${nonce} got ${String(error)}`);
    }
  };
  const device = async (user: number, n: number): Promise<void> => {
    const client = new UcwaClient(proxy.url);
    for (let i = 0; i < callsEach; i += 1) await ask(client, user, `${user}-${n}-${i}`);
  };
  await Promise.all(
    Array.from({ length: users * devices }, (_, i) => device(i % users, Math.floor(i / users))),
  );
  for (const gauge of ['held_calls', 'outstanding_calls']) {
    await proxy.untilMetric(`ucwa_proxy_${gauge}`, (calls) => calls === 0);
  }

  expect(wrong).toEqual([]);
  const runs = ({ nonce }: Left): number => pool.ledger.executions(nonce).length;
  expect(stayed.filter((answered) => runs(answered) === 0)).toEqual([]);
  expect([...stayed, ...left].filter((one) => one.unsafe && runs(one) > 1)).toEqual([]);
  const metrics = await proxy.metrics();
  const aborted = (stage: string): number =>
    metrics.get(`ucwa_proxy_client_aborts_total{stage="${stage}"}`) ?? 0;
  const heldWhenLeft = aborted('held');
  const ran = left.filter((one) => runs(one) > 0).length;
  expect(ran + heldWhenLeft).toBeLessThanOrEqual(left.length);
  for (const stage of ['held', 'sent', 'answering', 'passthrough']) {
    expect(aborted(stage)).toBeGreaterThan(10);
  }
});

async function untilParked(pool: Simulator, wanted: (polls: number) => boolean): Promise<void> {
  while (!wanted(pool.stats().parkedPolls)) await delay(5);
}

test('the proxy aborts 1,000 of 1,000 polls at the pool within a second after their clients leave', async () => {
  const polls = 1000;
  const pool = await startPool();
  const proxy = await startProxy(pool.url);
  const clients = await connectMany(proxy.port, polls);
  for (const [i, client] of clients.entries()) {
    client.send(call(`cwt=sim-u${i}`, 'events?ack=1', '', `u${i}`));
    // In groups: more connections at once would overflow the accept queue of the pool.
    if (i % 100 === 99) await untilParked(pool, (parked) => parked === i + 1);
  }
  const connected = pool.stats().openConnections;
  const withinMs: number[] = [];
  // In groups as well: three programs close their connections in this process.
  for (let gone = 100; gone <= polls; gone += 100) {
    const leftAtMs = performance.now();
    for (const client of clients.slice(gone - 100, gone)) client.leave();
    await untilParked(pool, (parked) => parked === polls - gone);
    withinMs.push(performance.now() - leftAtMs);
  }
  expect(connected - pool.stats().openConnections).toBe(polls);
  expect(Math.max(...withinMs)).toBeLessThan(1000);
  await proxy.untilMetric('ucwa_proxy_long_polls', (open) => open === 0);
});
