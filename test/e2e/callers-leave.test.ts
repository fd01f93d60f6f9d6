import { expect, test } from '@jest/globals';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';
import { app, notes, UcwaClient } from '../support/ucwa-client.ts';

const aborts = (stage: string): string => `ucwa_proxy_client_aborts_total{stage="${stage}"}`;

test('a held call is never executed if its caller leaves', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'fixed',
    UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
    UCWA_PROXY_BATCHING_MAX_PARTS: '3',
  });
  const client = new UcwaClient(proxy.url);
  const leaver = new AbortController();
  const left = client.ask(`${app}/me?leaves`, { signal: leaver.signal });
  await proxy.untilMetric('ucwa_proxy_held_calls', (value) => value === 1);
  leaver.abort();
  await expect(left).rejects.toThrow();
  await proxy.untilMetric(aborts('held'), (value) => value === 1);

  const answers = await client.askAll(notes(3));
  expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
  expect(pool.ledger.entries().map((entry) => entry.target)).not.toContain(`${app}/me?leaves`);
});

test('when a caller of a batch leaves, each other caller still gets its own answer', async () => {
  const pool = await startPool();
  pool.faults.add({ on: { kind: 'batch' }, fault: { kind: 'delay', ms: 100 } });
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'fixed',
    UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
    UCWA_PROXY_BATCHING_MAX_PARTS: '3',
  });
  const client = new UcwaClient(proxy.url);
  const leaver = new AbortController();
  const left = client.ask(`${app}/me`, { signal: leaver.signal });
  left.catch(() => undefined);
  await proxy.untilMetric('ucwa_proxy_held_calls', (value) => value === 1);
  const others = client.askAll([`${app}/me/note`, `${app}/me/phones`]);
  await proxy.untilMetric('ucwa_proxy_outstanding_calls', (value) => value === 3);
  leaver.abort();
  const answers = await others;
  expect(answers.map((answer) => (JSON.parse(answer.text) as { rel: string }).rel)).toEqual([
    'note',
    'phones',
  ]);
  expect((await proxy.metrics()).get(aborts('sent'))).toBe(1);
});

test('when all callers of a batch have left, the request to the pool is aborted', async () => {
  const pool = await startScriptedPool(() => undefined);
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'fixed',
    UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
    UCWA_PROXY_BATCHING_MAX_PARTS: '3',
  });
  const leaver = new AbortController();
  const client = new UcwaClient(proxy.url);
  const calls = notes(3).map((target) => client.ask(target, { signal: leaver.signal }));
  for (const call of calls) call.catch(() => undefined);
  await proxy.untilMetric('ucwa_proxy_outstanding_calls', (value) => value === 3);
  leaver.abort();
  await pool.untilClosed(1);
  await proxy.untilMetric('ucwa_proxy_outstanding_calls', (value) => value === 0);
  await proxy.untilMetric('ucwa_proxy_users{state="active"}', (value) => value === 0);
  expect(pool.requests).toHaveLength(1);
});

test('when the caller of an unbatched call leaves in the middle of the answer, the request to the pool is aborted', async () => {
  const pool = await startScriptedPool((_request, socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
  });
  const proxy = await startProxy(pool.url, { UCWA_PROXY_BATCHING_MODE: 'off' });
  const leaver = new AbortController();
  const call = new UcwaClient(proxy.url).ask(`${app}/me`, { signal: leaver.signal });
  call.catch(() => undefined);
  await proxy.untilMetric(
    'ucwa_proxy_upstream_responses_total{kind="single",code="200"}',
    (value) => value === 1,
  );
  leaver.abort();
  await pool.untilClosed(1);
  await proxy.untilMetric(aborts('answering'), (value) => value === 1);
  expect(pool.requests).toHaveLength(1);
});
