import { describe, expect, test } from '@jest/globals';
import { askEach, readCalls, sendings, writeCalls } from '../support/nonce-calls.ts';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';
import { app, notes, UcwaClient } from '../support/ucwa-client.ts';
import type { FaultRule } from '../../src/simulator/faults/fault-script.ts';
import type { SimulatorOptions } from '../../src/simulator/simulator.ts';
import { says } from './failure-seen.ts';

const batchesOfThree = {
  UCWA_PROXY_BATCHING_MODE: 'fixed',
  UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
  UCWA_PROXY_BATCHING_MAX_PARTS: '3',
};
const quick = { UCWA_PROXY_UPSTREAM_TIMEOUT_MS: '400', UCWA_PROXY_BATCHING_LINGER_MAX_MS: '200' };
const batch = { kind: 'batch' } as const;

async function start(rules: readonly FaultRule[], env = {}, options: SimulatorOptions = {}) {
  const pool = await startPool(options);
  for (const rule of rules) pool.faults.add(rule);
  const proxy = await startProxy(pool.url, { ...batchesOfThree, ...env });
  return { pool, proxy, client: new UcwaClient(proxy.url) };
}

const partsOf = (pool: Parameters<typeof sendings>[0], nonces: readonly string[]): number[][] =>
  nonces.map((nonce) => sendings(pool, nonce).map(({ parts }) => parts));

const threeAlone = [[1], [1], [1]];
const threeTogether = [[3], [3], [3]];
const nonces = (tag: string): string[] => readCalls(3, tag).map(({ nonce }) => nonce);

describe('a pool without a batch resource', () => {
  test('gets the calls of all users unbatched for a minute', async () => {
    const { pool, client } = await start([{ on: batch, fault: says(405) }]);
    await askEach(client, readCalls(3));
    await askEach(client, readCalls(3, 'ann'));
    await askEach(client, readCalls(3, 'ben', `${app}2`), { token: 'cwt=sim-ben' });
    expect(partsOf(pool, nonces('ann'))).toEqual(threeAlone);
    expect(partsOf(pool, nonces('ben'))).toEqual(threeAlone);
    expect(pool.stats().batches).toBe(1);
  });

  test('still gets batches of other users once it has answered a batch', async () => {
    const { pool, client } = await start([{ on: { ...batch, user: 'ann' }, fault: says(501) }]);
    await askEach(client, readCalls(3, 'before', `${app}2`), { token: 'cwt=sim-ben' });
    await askEach(client, readCalls(3));
    await askEach(client, readCalls(3, 'ann'));
    await askEach(client, readCalls(3, 'ben', `${app}2`), { token: 'cwt=sim-ben' });
    expect(partsOf(pool, nonces('ann'))).toEqual(threeAlone);
    expect(partsOf(pool, nonces('ben'))).toEqual(threeTogether);
  });
});

describe('a GET that failed in a batch', () => {
  test('is retried once: the second failure is the answer', async () => {
    const { pool, proxy, client } = await start([
      { on: {}, times: Infinity, fault: { kind: 'reset', at: 'beforeHead' } },
    ]);
    for (const { answer, nonce } of await askEach(client, readCalls(3))) {
      expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
        504,
        { executed: 'unknown' },
      ]);
      expect(partsOf(pool, [nonce])).toEqual([[3, 1]]);
    }
    const metrics = await proxy.metrics();
    const repeats = 'ucwa_proxy_repeats_total{reason="unknown",outcome="failed"}';
    expect(metrics.get(repeats)).toBe(3);
  });

  test("gets the pool's 500 if that comes twice", async () => {
    const { pool, client } = await start([{ on: {}, times: Infinity, fault: says(500) }]);
    for (const { answer, nonce } of await askEach(client, readCalls(3))) {
      expect([answer.status, answer.text]).toEqual([500, '{"code":"Said500"}']);
      expect(partsOf(pool, [nonce])).toEqual([[3, 1]]);
    }
  });

  test('is retried once for all identical calls', async () => {
    const { pool, client } = await start([{ on: batch, fault: { kind: 'html' } }]);
    const [one, two] = notes(2);
    const answers = await client.askAll([one ?? '', one ?? '', two ?? '', `${app}/me`]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const targets = pool.ledger.entries().map(({ target }) => target);
    expect(targets.toSorted()).toEqual([`${app}/me`, one, two]);
  });

  test("gets the pool's 503 at once if Retry-After ends after the deadline", async () => {
    const { client } = await start(
      [{ on: batch, fault: says(503, { headers: ['Retry-After', '25'] }) }],
      { UCWA_PROXY_UPSTREAM_TIMEOUT_MS: '24000' },
    );
    for (const { answer } of await askEach(client, readCalls(3))) {
      expect([answer.status, answer.text]).toEqual([503, '{"code":"Said503"}']);
    }
  });
});

test("a write gets the pool's 503 at once, however long Retry-After is", async () => {
  const { pool, client } = await start([
    { on: batch, fault: says(503, { headers: ['Retry-After', '25'] }) },
  ]);
  for (const { answer } of await askEach(client, writeCalls(3))) {
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '25']);
  }
  expect(pool.ledger.requests()).toHaveLength(1);
});

describe('an unbatched call', () => {
  const alone = { UCWA_PROXY_BATCHING_MODE: 'off' };
  const lost: FaultRule = { on: {}, fault: { kind: 'reset', at: 'beforeHead' } };

  test("gets the pool's answer, also a 5xx", async () => {
    const { pool, client } = await start([{ on: {}, times: 2, fault: says(503) }], alone);
    for (const calls of [readCalls(1), writeCalls(1)]) {
      const [one] = await askEach(client, calls);
      expect([one?.answer.status, one?.answer.text]).toEqual([503, '{"code":"Said503"}']);
    }
    expect(pool.ledger.requests()).toHaveLength(2);
  });

  test('is sent again after a 429', async () => {
    const { pool, client } = await start([{ on: {}, times: 2, fault: says(429) }], alone);
    const [one] = await askEach(client, writeCalls(1));
    expect([one?.answer.status, one?.answer.headers['x-nonce']]).toEqual([204, one?.nonce]);
    expect(pool.ledger.executions(one?.nonce ?? '')).toHaveLength(1);
  });

  test('is retried if the connection breaks before an answer and it is a GET', async () => {
    const { client } = await start([lost], alone);
    const [one] = await askEach(client, readCalls(1));
    expect(one?.answer.status).toBe(200);
  });

  test('is not sent again if the connection breaks and it is a write', async () => {
    const { pool, client } = await start([lost], alone);
    const [one] = await askEach(client, writeCalls(1));
    expect(one?.answer.status).toBe(504);
    expect(pool.ledger.executions(one?.nonce ?? '')).toHaveLength(1);
  });
});

describe('a batch of GETs that is late', () => {
  test('is aborted and counted once each call has an answer from its retry', async () => {
    const pool = await startScriptedPool((request, socket) => {
      if (!request.startsWith('POST'))
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    const proxy = await startProxy(pool.url, { ...batchesOfThree, ...quick });
    const answers = await new UcwaClient(proxy.url).askAll(notes(3));
    expect(answers.map(({ status, text }) => [status, text])).toEqual(Array(3).fill([200, 'ok']));
    await pool.untilClosed(1);
    const metrics = await proxy.metrics();
    expect(metrics.get('ucwa_proxy_late_batches_total')).toBe(1);
    expect(metrics.get('ucwa_proxy_repeats_total{reason="late",outcome="answered"}')).toBe(3);
    expect(pool.requests).toHaveLength(4);
    // Four requests for three calls: here batching cost one request.
    expect(metrics.get('ucwa_proxy_upstream_requests_saved')).toBe(-1);
  });

  test('gets 504 at the deadline if the retries are late too, and the requests to the pool are aborted', async () => {
    const pool = await startScriptedPool(() => undefined);
    const proxy = await startProxy(pool.url, { ...batchesOfThree, ...quick });
    const answers = await new UcwaClient(proxy.url).askAll(notes(3));
    for (const { status, text } of answers) {
      expect([status, JSON.parse(text)]).toMatchObject([504, { executed: 'unknown' }]);
    }
    await pool.untilClosed(4);
    expect(pool.requests).toHaveLength(4);
  });
});

test('a pool that is reachable again is used at once', async () => {
  const { pool, client } = await start([]);
  await pool.stop();
  const away = await askEach(client, readCalls(3));
  expect(away.map(({ answer }) => answer.status)).toEqual([503, 503, 503]);
  await startPool({ port: pool.port });
  const back = await askEach(client, readCalls(3));
  expect(back.map(({ answer }) => answer.status)).toEqual([200, 200, 200]);
});

describe('a route with an answer that made a batch answer too large', () => {
  const large = (index: number): FaultRule => ({
    on: batch,
    fault: { kind: 'malformedPart', index, message: 'x'.repeat(9000) },
  });
  const smallAnswers = { UCWA_PROXY_LIMITS_MAX_RESPONSE_BYTES: '4096' };

  test('stays out of batches', async () => {
    const { pool, client } = await start([large(0)], smallAnswers);
    await askEach(client, readCalls(3));
    await askEach(client, readCalls(3, 'later'));
    expect(partsOf(pool, nonces('later'))).toEqual(threeAlone);
  });

  test('does not take the routes of earlier parts out of batches', async () => {
    const { pool, client } = await start([large(2)], smallAnswers);
    const first = await client.askAll(['note', 'presence', 'phones'].map((n) => `${app}/me/${n}`));
    expect(first.map(({ status }) => status)).toEqual([200, 200, 200]);
    await askEach(client, readCalls(3));
    expect(partsOf(pool, nonces(''))).toEqual(threeTogether);
  });
});

test('a refusal keeps its meaning, however long its body is', async () => {
  const pool = await startPool();
  const refusal = { kind: 'status', status: 429, body: 'x'.repeat(9000) } as const;
  pool.faults.add({ on: { kind: 'batch' }, fault: refusal });
  const proxy = await startProxy(pool.url, {
    ...batchesOfThree,
    UCWA_PROXY_LIMITS_MAX_RESPONSE_BYTES: '4096',
  });
  const answered = await askEach(new UcwaClient(proxy.url), writeCalls(3));
  expect(answered.filter(({ answer }) => answer.status >= 429)).toEqual([]);
});

test("if a batch gets no answer, the caller gets the pool's answer to the retry, even an error", async () => {
  const pool = await startScriptedPool((request, socket) => {
    if (request.startsWith('POST')) return;
    socket.write('HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno');
  });
  const proxy = await startProxy(pool.url, {
    ...batchesOfThree,
    UCWA_PROXY_UPSTREAM_TIMEOUT_MS: '1000',
  });
  const answers = await new UcwaClient(proxy.url).askAll(notes(3));
  expect(answers.map(({ status }) => status)).toEqual([500, 500, 500]);
});
