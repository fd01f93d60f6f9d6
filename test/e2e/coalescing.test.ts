import { describe, expect, test } from '@jest/globals';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';
import { app, notes, UcwaClient } from '../support/ucwa-client.ts';

const batchesOf = (parts: number): Record<string, string> => ({
  UCWA_PROXY_BATCHING_MODE: 'fixed',
  UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
  UCWA_PROXY_BATCHING_MAX_PARTS: String(parts),
});
const json = { 'Content-Type': 'application/json' };

describe('writes', () => {
  test('have batches of their own, with their bodies, and each runs once', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url, batchesOf(2));
    const client = new UcwaClient(proxy.url);
    const write = (path: string, body: string, nonce: string) =>
      client.ask(`${app}/${path}`, {
        method: 'POST',
        body,
        headers: { ...json, 'X-Nonce': nonce },
      });
    const [note, presence, ...reads] = await Promise.all([
      write('me/note', '{"message":"näive --boundary\\r\\n"}', 'a'),
      write('me/presence', '{"availability":"Away"}', 'b'),
      client.ask(`${app}/policies`),
      client.ask(`${app}/me/phones`),
    ]);
    expect([note.status, presence.status]).toEqual([204, 204]);
    expect(reads.map((answer) => answer.status)).toEqual([200, 200]);
    expect(pool.stats()).toMatchObject({ batches: 2, parts: 4, singles: 0, refusedParts: 0 });
    for (const nonce of ['a', 'b']) expect(pool.ledger.executions(nonce)).toHaveLength(1);
    const read = await new UcwaClient(pool.url).ask(`${app}/me/note`);
    expect((JSON.parse(read.text) as { message: string }).message).toBe('näive --boundary\r\n');
  });

  test('to one resource run in the order of arrival, and a later GET sees their effect', async () => {
    const pool = await startPool({ latency: 20 });
    const proxy = await startProxy(pool.url, {
      UCWA_PROXY_BATCHING_MODE: 'fixed',
      UCWA_PROXY_BATCHING_LINGER_MAX_MS: '10',
    });
    const writes = [1, 2, 3, 4, 5].map(
      (i) =>
        `POST ${app}/me/note HTTP/1.1\r\nHost: pool.example\r\nX-Nonce: ${i}\r\n` +
        'Authorization: Bearer cwt=sim-ann\r\nContent-Type: application/json\r\n' +
        `Content-Length: 15\r\n\r\n{"message":"${i}"}`,
    );
    // On one connection they come in this order, and none waits for the answer to another.
    const writer = new RawClient(proxy.port);
    writer.send(writes.join(''));
    for (const write of writes) {
      expect([write, (await writer.readAnswer()).status]).toEqual([write, 204]);
    }
    const order = pool.ledger.entries().map((entry) => entry.nonce);
    expect(order).toEqual([...order].sort());
    expect(order).toHaveLength(5);
    const answer = await new UcwaClient(proxy.url).ask(`${app}/me/note`);
    expect((JSON.parse(answer.text) as { message: string }).message).toBe('5');
  });

  test('without an answer are not sent again', async () => {
    const pool = await startPool();
    pool.faults.add({ on: { kind: 'batch' }, fault: { kind: 'reset', at: 'afterHead' } });
    const proxy = await startProxy(pool.url, batchesOf(2));
    const client = new UcwaClient(proxy.url);
    const answers = await Promise.all(
      ['me/note', 'me/presence'].map((path) =>
        client.ask(`${app}/${path}`, {
          method: 'POST',
          body: '{"message":"x","availability":"Away"}',
          headers: { ...json, 'X-Nonce': path },
        }),
      ),
    );
    expect(answers.map((answer) => answer.status)).toEqual([504, 504]);
    expect(pool.ledger.executions('me/note')).toHaveLength(1);
    expect(pool.stats().requests).toBe(1);
  });
});

test('an operation is sent at once and unbatched, while other calls are held', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, batchesOf(2));
  const client = new UcwaClient(proxy.url);
  const held = client.ask(`${app}/me`);
  await proxy.untilMetric('ucwa_proxy_held_calls', (value) => value === 1);
  const started = await client.ask(`${app}/communication/messagingInvitations`, {
    method: 'POST',
    body: '{"to":"sip:bob@pool.example","operationId":"7"}',
    headers: json,
  });
  expect(started.status).toBe(201);
  expect(started.headers.location).toContain('/messagingInvitations/');
  expect(pool.stats()).toMatchObject({ singles: 1, batches: 0 });
  await client.ask(`${app}/me/note`);
  expect((await held).status).toBe(200);
});

test('identical GETs share a part, and every caller gets the answer', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'fixed',
    UCWA_PROXY_BATCHING_LINGER_MAX_MS: '100',
  });
  const client = new UcwaClient(proxy.url);
  const answers = await Promise.all([
    ...Array.from({ length: 5 }, () => client.ask(`${app}/me`)),
    client.ask(`${app}/me/note`),
    client.ask(`${app}/me`, { headers: { 'Cache-Control': 'no-cache' } }),
  ]);
  expect(answers.map((answer) => answer.status)).toEqual(Array(7).fill(200));
  expect(new Set(answers.slice(0, 5).map((answer) => answer.text)).size).toBe(1);
  expect(pool.stats()).toMatchObject({ batches: 1, parts: 3 });
  const metrics = await proxy.metrics();
  expect(metrics.get('ucwa_proxy_collapsed_calls_total')).toBe(4);
  expect(metrics.get('ucwa_proxy_calls_total{via="batch",code="200"}')).toBe(7);
  expect(metrics.get('ucwa_proxy_upstream_requests_saved')).toBe(6);
});

test('identical GETs without companions share one unbatched request', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'fixed',
    UCWA_PROXY_BATCHING_LINGER_MAX_MS: '200',
  });
  const client = new UcwaClient(proxy.url);
  const leaver = new AbortController();
  const left = client.ask(`${app}/me`, { signal: leaver.signal });
  left.catch(() => undefined);
  await proxy.untilMetric('ucwa_proxy_held_calls', (value) => value === 1);
  const others = client.askAll([`${app}/me`, `${app}/me`]);
  await proxy.untilMetric('ucwa_proxy_held_calls', (value) => value === 3);
  leaver.abort();
  const answers = await others;
  expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
  expect(answers[0]?.text).toBe(answers[1]?.text);
  expect(pool.stats()).toMatchObject({ requests: 1, singles: 1, batches: 0 });
});

test('X-Ucwa-Batch: never keeps a call out of batches, explain reports its path, and neither reaches the pool', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, batchesOf(2));
  const client = new UcwaClient(proxy.url);
  await client.ask(`${app}/me`, { headers: { 'X-Ucwa-Batch': 'never' } });
  const [plain, explained] = await Promise.all([
    client.ask(`${app}/me/note`),
    client.ask(`${app}/me/presence`, { headers: { 'X-Ucwa-Batch': 'explain' } }),
  ]);
  expect(plain.headers['x-ucwa-batch']).toBeUndefined();
  expect(explained.headers['x-ucwa-batch']).toMatch(
    /^batched; id=\d+; parts=2; position=[01]; hold=\d+\.\d; flush=parts; attempts=1; call="[-\w]+"$/,
  );
  expect(explained.headers['server-timing']).toMatch(
    /^hold;dur=[\d.]+, queue;dur=[\d.]+, upstream;dur=[\d.]+$/,
  );
  expect(pool.stats()).toMatchObject({ singles: 1, batches: 1 });
  for (const { rawHeaders, parts } of pool.ledger.requests()) {
    expect([...rawHeaders, ...parts.map((part) => part.head)].join()).not.toMatch(/x-ucwa-batch/i);
  }
  expect((await proxy.metrics()).get('ucwa_proxy_passthrough_total{reason="opt_out"}')).toBe(1);
});

test('paths of batching.never are not batched', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, {
    ...batchesOf(2),
    UCWA_PROXY_BATCHING_NEVER: 'people/search, me/*',
  });
  await new UcwaClient(proxy.url).askAll([`${app}/people/search?query=x`, `${app}/me/note`]);
  expect(pool.stats()).toMatchObject({ batches: 0, singles: 2 });
});

test('before a write that passes through, the held calls are sent', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, batchesOf(5));
  const client = new UcwaClient(proxy.url);
  const held = client.askAll(notes(2));
  await proxy.untilMetric('ucwa_proxy_held_calls', (value) => value === 2);
  await client.ask(app, { method: 'DELETE' });
  expect((await held).map((answer) => answer.status)).toEqual([200, 200]);
  const metrics = await proxy.metrics();
  expect(metrics.get('ucwa_proxy_batches_total{flush_reason="barrier"}')).toBe(1);
});

test('a part is answered at once while the rest of its batch is late', async () => {
  const pool = await startPool({
    streamParts: true,
    latency: (route) => (route === 'people/search' ? 400 : 1),
  });
  const proxy = await startProxy(pool.url, batchesOf(3));
  const client = new UcwaClient(proxy.url);
  const finished: string[] = [];
  const ask = async (path: string) => {
    const answer = await client.ask(`${app}/${path}`);
    finished.push(path);
    return answer.status;
  };
  const first = ask('me');
  await proxy.untilMetric('ucwa_proxy_held_calls', (value) => value === 1);
  const second = ask('me/note');
  await proxy.untilMetric('ucwa_proxy_held_calls', (value) => value === 2);
  const slow = ask('people/search?query=x');
  expect(await Promise.all([first, second])).toEqual([200, 200]);
  expect(finished).not.toContain('people/search?query=x');
  expect(await slow).toBe(200);
});

test('if the number of parts proves wrong, an answer already given stands, and the other calls are retried', async () => {
  const head = 'HTTP/1.1 200 OK\r\n';
  const type = 'Content-Type: multipart/batching; boundary="B"\r\n';
  const part =
    '--B\r\nContent-Type: application/http; msgtype=response\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx\r\n';
  const pool = await startScriptedPool((request, socket) => {
    if (!request.startsWith('POST')) {
      socket.write(`${head}Content-Length: 1\r\n\r\ny`);
      return;
    }
    const body = `${part}${part}`;
    socket.write(`${head}${type}Content-Length: ${body.length + '--B--'.length}\r\n\r\n${body}`);
    setTimeout(() => socket.write('--B--'), 60);
  });
  const proxy = await startProxy(pool.url, batchesOf(3));
  const answers = await new UcwaClient(proxy.url).askAll(notes(3));
  expect(answers.map(({ text }) => text).sort()).toEqual(['x', 'y', 'y']);
  const metrics = await proxy.metrics();
  expect(metrics.get('ucwa_proxy_protocol_errors_total{kind="fewer_parts"}')).toBe(1);
  expect(metrics.get('ucwa_proxy_repeats_total{reason="answer",outcome="answered"}')).toBe(2);
});

test('an answer that names another resource than the requested one is counted', async () => {
  const pool = await startPool();
  pool.faults.add({ on: { kind: 'batch' }, fault: { kind: 'permute' } });
  const proxy = await startProxy(pool.url, batchesOf(2));
  await new UcwaClient(proxy.url).askAll([`${app}/me`, `${app}/policies`]);
  expect((await proxy.metrics()).get('ucwa_proxy_protocol_errors_total{kind="self_link"}')).toBe(2);
});

test('each answer announces the configured keep-alive time: batched, unbatched or passed through', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, {
    ...batchesOf(2),
    UCWA_PROXY_LISTEN_KEEP_ALIVE_TIMEOUT_MS: '7000',
  });
  const client = new UcwaClient(proxy.url);
  const answers = [
    ...(await client.askAll(notes(2))),
    await client.ask(`${app}/me`),
    await client.ask('/other'),
  ];
  expect(answers.map(({ headers }) => headers['keep-alive'])).toEqual(Array(4).fill('timeout=7'));
});

describe('the adaptive hold', () => {
  test('never batches a client that waits for each answer, and holds 100 calls for less than 0.1 s in total', async () => {
    const pool = await startPool({ latency: 1 });
    const proxy = await startProxy(pool.url);
    const client = new UcwaClient(proxy.url);
    for (let i = 0; i < 100; i += 1) await client.ask(`${app}/me/note?n=${i}`);
    const metrics = await proxy.metrics();
    expect(pool.stats()).toMatchObject({ batches: 0, singles: 100 });
    expect(metrics.get('ucwa_proxy_hold_seconds_sum')).toBeLessThan(0.1);
  });

  test('sends bursts of eight calls in less than half as many requests', async () => {
    const pool = await startPool({ latency: 20 });
    const proxy = await startProxy(pool.url);
    const client = new UcwaClient(proxy.url);
    for (let i = 0; i < 10; i += 1) await client.askAll(notes(8));
    const { requests } = pool.stats();
    expect(requests).toBeLessThan(40);
  });
});
