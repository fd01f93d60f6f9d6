import { describe, expect, test } from '@jest/globals';
import { type Answered, askEach, type NonceCall } from '../../support/nonce-calls.ts';
import { startPool } from '../../support/pool.ts';
import { startProxy } from '../../support/proxy.ts';
import { RawClient } from '../../support/raw-client.ts';
import { UcwaClient } from '../../support/ucwa-client.ts';
import { callsOf, fateAt } from './bring-about.ts';
import { type Leaving, leavings } from './leavers.ts';
import { type Method, methods } from './row.ts';

const inThrees = {
  UCWA_PROXY_BATCHING_MODE: 'fixed',
  UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
  UCWA_PROXY_BATCHING_MAX_PARTS: '3',
};

async function leave(leaving: Leaving, method: Method) {
  const { leavers, callers, stage, fault } = leaving;
  const pool = await startPool();
  const isPassed = stage === 'passthrough';
  if (fault !== undefined) pool.faults.add({ on: { kind: isPassed ? 'single' : 'batch' }, fault });
  const proxy = await startProxy(pool.url, inThrees);
  const client = new UcwaClient(proxy.url);
  const calls = callsOf(method, callers);
  const headers = isPassed ? { 'X-Ucwa-Batch': 'never' } : {};
  const leaver = new AbortController();
  const ask = (some: readonly NonceCall[], signal?: AbortSignal): Promise<Answered[]> =>
    askEach(client, some, { headers, ...(signal === undefined ? {} : { signal }) });

  const gone = ask(calls.slice(0, leavers), leaver.signal);
  const isGone = gone.then(
    () => false,
    () => true,
  );
  let stayed: Promise<Answered[]> | undefined;
  if (stage === 'held') await proxy.untilMetric('ucwa_proxy_held_calls', (n) => n === leavers);
  else {
    stayed = ask(calls.slice(leavers));
    while (pool.ledger.requests().every(({ complete }) => !complete)) await proxy.metrics();
  }
  leaver.abort();
  expect(await isGone).toBe(true);
  await proxy.untilMetric(`ucwa_proxy_client_aborts_total{stage="${stage}"}`, (n) => n === leavers);
  const answered = await (stayed ?? ask(calls.slice(leavers)));
  await proxy.untilMetric('ucwa_proxy_outstanding_calls', (n) => n === 0);
  if (isPassed) await proxy.untilMetric('ucwa_proxy_connections{side="upstream"}', (n) => n === 0);
  return { pool, proxy, calls, answered };
}

describe.each(leavings)('$row. A caller leaves $name', (leaving) => {
  test.each(methods)('%s', async (method) => {
    const { pool, proxy, calls, answered } = await leave(leaving, method);
    for (const call of calls) {
      const index = answered.findIndex(({ nonce }) => nonce === call.nonce);
      const hasStayed = index !== -1;
      const [answer, ran, sent] = hasStayed ? leaving.stayed[method] : leaving.left[method];
      const fate = fateAt(pool, call);
      const isOwn = answered[index]?.answer.headers['x-nonce'] === call.nonce;
      expect({
        answer: hasStayed ? (isOwn ? 'own' : 'foreign') : 'gone',
        ran: fate.ran.length,
        sent: sent.includes('<') ? fate.sent.length : fate.sent.join(' '),
      }).toEqual({ answer, ran, sent: sent.includes('<') ? sent.split(' ').length : sent });
    }
    const answers = (await proxy.metrics()).get(
      'ucwa_proxy_upstream_responses_total{kind="batch",code="200"}',
    );
    expect(answers).toBe(leaving.answers[method]);
  });
});

test.each(methods)(
  '43. A caller that closes its sending side counts as a caller that leaves, because the two look the same: %s',
  async (method) => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url, inThrees);
    const [leaver, ...others] = callsOf(method, 4);
    if (leaver === undefined) throw new Error('no caller');
    const client = new RawClient(proxy.port);
    client.send(
      `${method} ${leaver.target} HTTP/1.1\r\nHost: p\r\nAuthorization: Bearer cwt=sim-ann\r\n` +
        `X-Nonce: ${leaver.nonce}\r\nContent-Length: 0\r\n\r\n`,
    );
    await proxy.untilMetric('ucwa_proxy_held_calls', (n) => n === 1);
    client.halfClose();
    expect(await client.readAll()).toBe('');
    await proxy.untilMetric('ucwa_proxy_client_aborts_total{stage="held"}', (n) => n === 1);
    for (const { nonce, answer } of await askEach(new UcwaClient(proxy.url), others)) {
      expect(answer.headers['x-nonce']).toBe(nonce);
    }
    expect(fateAt(pool, leaver)).toEqual({ ran: [], sent: [] });
  },
);
