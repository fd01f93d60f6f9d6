import { describe, expect, test } from '@jest/globals';
import { type Answered, askEach, readCalls, writeCalls } from '../support/nonce-calls.ts';
import { startPool } from '../support/pool.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { UcwaClient } from '../support/ucwa-client.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { failureCase } from './failure-table.ts';

/** Failures of batches. The pool still serves single requests. */
const troubles = [
  'truncated, contentLength',
  'one part fewer',
  'one part more',
  'one part malformed',
  'no boundary',
  'an HTML page after all ran',
  '500 after all ran',
  '503',
  '400 after all ran',
  '413',
  'a reset before the head',
  'a reset in the middle',
  'junk',
  'silence of a pool that is usually quick',
] as const;

async function startTrouble(name: string) {
  const { fault, env, warm } = failureCase(name);
  if (fault === undefined) throw new Error(`${name} is not a failure of a batch`);
  const pool = await startPool();
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'fixed',
    UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
    UCWA_PROXY_BATCHING_MAX_PARTS: '3',
    ...env,
  });
  const client = new UcwaClient(proxy.url);
  const before = warm === true ? await askEach(client, readCalls(3, 'before')) : [];
  pool.faults.add({ on: { kind: 'batch' }, times: 6, fault });
  return { pool, proxy, client, before };
}

/** Checks the promises for each call, whatever happened to the batches. */
function expectRecovered(pool: Simulator, answered: readonly Answered[]): void {
  for (const { method, nonce, answer } of answered) {
    const ran = pool.ledger.executions(nonce).length;
    const isOwn = answer.headers['x-nonce'] === nonce;
    const says = isOwn ? 'own' : answer.text;
    if (method === 'GET') {
      expect([nonce, answer.status, says]).toEqual([nonce, 200, 'own']);
    } else {
      expect([nonce, ran > 1]).toEqual([nonce, false]);
      if (isOwn) expect([nonce, ran]).toEqual([nonce, 1]);
      else if (answer.status === 503) expect(says).toMatch(/Said503|"executed":"no"/);
      else expect(says).toMatch(/Said500|"executed":"unknown"/);
      if (says.includes('"executed":"no"')) expect([nonce, ran]).toEqual([nonce, 0]);
    }
  }
}

/** Checks that each caller got one answer, and that no call is in flight. */
async function expectQuiet(proxy: TestProxy, callers: number): Promise<void> {
  await proxy.untilMetric('ucwa_proxy_held_calls', (calls) => calls === 0);
  let answered = 0;
  for (const [series, value] of await proxy.metrics()) {
    if (series.startsWith('ucwa_proxy_calls_total{')) answered += value;
  }
  expect(answered).toBe(callers);
}

describe.each(troubles)('three batches of GETs and three of writes that meet: %s', (name) => {
  test('one after another: GETs are answered, no write runs twice', async () => {
    const { pool, proxy, client, before } = await startTrouble(name);
    const answered: Answered[] = [];
    for (const round of ['a', 'b', 'c']) {
      const calls = [...readCalls(3, round), ...writeCalls(3, round)];
      answered.push(...(await askEach(client, calls)));
    }
    expect(pool.stats().batches).toBeGreaterThanOrEqual(6);
    expectRecovered(pool, answered);
    await expectQuiet(proxy, 18 + before.length);
  });

  test('all at once: GETs are answered, no write runs twice', async () => {
    const { pool, proxy, client, before } = await startTrouble(name);
    const answered = await askEach(client, [...readCalls(9), ...writeCalls(9)]);
    expect(pool.stats().batches).toBeGreaterThanOrEqual(6);
    expectRecovered(pool, answered);
    await expectQuiet(proxy, 18 + before.length);
  });
});
