/**
 * Everything that can grow has a cap. Each cap is reached here, or in the file that docs/bounds.md
 * names.
 */
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { call, timed } from '../support/crowd.ts';
import { onCleanup } from '../support/cleanup.ts';
import { readAdmin } from '../support/metric-values.ts';
import { startPool } from '../support/pool.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';
import { app, notes, UcwaClient } from '../support/ucwa-client.ts';

const refused = async (proxy: TestProxy, reason: string): Promise<number | undefined> =>
  (await proxy.metrics()).get(`ucwa_proxy_refused_total{reason="${reason}"}`);

const hung = () => startScriptedPool(() => undefined);

test('polls over the cap get 503, ordinary calls do not, and a poll that ends makes room', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, { UCWA_PROXY_LIMITS_MAX_LONG_POLLS: '2' });
  const [first, second, third] = ['ann', 'bob', 'cyd'].map((user) => {
    const client = new RawClient(proxy.port);
    return { client, poll: call(`cwt=sim-${user}`, 'events?ack=1', '', user) };
  }) as [Waiting, Waiting, Waiting];
  first.client.send(first.poll);
  second.client.send(second.poll);
  await proxy.untilMetric('ucwa_proxy_long_polls', (open) => open === 2);
  expect(await timed(third.client, third.poll)).toMatchObject({ status: 503 });
  expect(await refused(proxy, 'long_polls')).toBe(1);
  expect(await timed(third.client, call('cwt=sim-cyd', 'me', '', 'cyd'))).toMatchObject({
    status: 200,
  });
  first.client.leave();
  await proxy.untilMetric('ucwa_proxy_long_polls', (open) => open === 1);
  third.client.send(third.poll);
  await proxy.untilMetric('ucwa_proxy_long_polls', (open) => open === 2);
  expect(await refused(proxy, 'long_polls')).toBe(1);
});

interface Waiting {
  readonly client: RawClient;
  readonly poll: string;
}

test('passed-through calls count toward the caps of batched calls, for all users and for each user', async () => {
  const pool = await hung();
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_LIMITS_MAX_QUEUED_CALLS: '3',
    UCWA_PROXY_LIMITS_MAX_QUEUED_CALLS_PER_USER: '2',
  });
  const photo = (user: string): string => call(`cwt=sim-${user}`, 'photos/x', '', user);
  const passed = 'ucwa_proxy_passthrough_total{reason="photos"}';
  for (const user of ['ann', 'ann']) new RawClient(proxy.port).send(photo(user));
  await proxy.untilMetric(passed, (calls) => calls === 2);
  expect(await timed(new RawClient(proxy.port, '127.0.0.4'), photo('ann'))).toMatchObject({
    status: 429,
  });
  expect(await refused(proxy, 'user_queue_calls')).toBe(1);
  new RawClient(proxy.port, '127.0.0.2').send(photo('bob'));
  await proxy.untilMetric(passed, (calls) => calls === 3);
  const cyd = new RawClient(proxy.port, '127.0.0.3');
  expect(await timed(cyd, photo('cyd'))).toMatchObject({ status: 503 });
  expect(await refused(proxy, 'queue_calls')).toBe(1);
});

test('calls without a credential belong to no user: the caps for all users and for their address apply', async () => {
  const pool = await hung();
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_LIMITS_MAX_QUEUED_CALLS: '2',
    UCWA_PROXY_LIMITS_MAX_QUEUED_CALLS_PER_USER: '1',
  });
  const discover = 'GET / HTTP/1.1\r\nHost: pool.example\r\n\r\n';
  for (const address of ['127.0.0.1', '127.0.0.2']) {
    new RawClient(proxy.port, address).send(discover);
  }
  await proxy.untilMetric('ucwa_proxy_passthrough_total{reason="outside"}', (n) => n === 2);
  const other = new RawClient(proxy.port, '127.0.0.3');
  expect(await timed(other, discover)).toMatchObject({ status: 503 });
});

test('connections over the cap are closed at once, and counted', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url, { UCWA_PROXY_LIMITS_MAX_CONNECTIONS: '2' });
  const served = [new RawClient(proxy.port), new RawClient(proxy.port, '127.0.0.2')];
  for (const client of served) {
    expect(await timed(client, call('cwt=sim-ann', 'me'))).toMatchObject({ status: 200 });
  }
  // The third connection is beyond the share of its address, or beyond the cap.
  for (const address of ['127.0.0.1', '127.0.0.3']) {
    expect(await new RawClient(proxy.port, address).readAll()).toBe('');
  }
  expect(await refused(proxy, 'connections')).toBe(2);
  for (const client of served) {
    expect(await timed(client, call('cwt=sim-ann', 'me'))).toMatchObject({ status: 200 });
  }
});

test('connections to the admin port are bounded, and block no probe', async () => {
  const pool = await startPool();
  const proxy = await startProxy(pool.url);
  const sockets = Array.from({ length: 40 }, () => connect(proxy.ports.admin, '127.0.0.1'));
  onCleanup(() => sockets.forEach((socket) => socket.destroy()));
  const closed = sockets.map(
    (socket) => new Promise<boolean>((resolve) => socket.on('close', () => resolve(true))),
  );
  // The surplus connections are closed. The others stay.
  await Promise.any(closed);
  expect(sockets.filter(({ destroyed }) => !destroyed).length).toBeGreaterThan(0);
  expect((await readAdmin(proxy.ports.admin, '/livez')).status).toBe(200);
});

test('a reader that reads nothing of an answer is cut off and counted, for each kind of answer', async () => {
  const body = Buffer.alloc(7_000_000);
  const pool = await startScriptedPool((_request, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
    socket.write(body);
  });
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_UPSTREAM_TIMEOUT_MS: '2000',
    UCWA_PROXY_BATCHING_MODE: 'fixed',
    UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
  });
  // Two identical calls share one answer, which is buffered. A photo streams.
  for (const path of ['me', 'me', 'photos/x']) {
    const reader = new RawClient(proxy.port);
    reader.pause();
    reader.send(call('cwt=sim-ann', path));
  }
  await proxy.untilMetric('ucwa_proxy_refused_total{reason="slow_reader"}', (cut) => cut === 3);
  await proxy.untilMetric('ucwa_proxy_connections{side="client"}', (open) => open === 0);
  expect(pool.requests).toHaveLength(2);
});

test('a reader that reads nothing occupies memory for a limited time, and no connection to the pool', async () => {
  const body = Buffer.alloc(7_000_000);
  const pool = await startScriptedPool((request, socket) => {
    const answer = request.includes('large') ? body : Buffer.alloc(0);
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${answer.length}\r\n\r\n`);
    socket.write(answer);
  });
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'off',
    UCWA_PROXY_UPSTREAM_MAX_CONNECTIONS: '1',
  });
  const reader = new RawClient(proxy.port);
  reader.pause();
  reader.send(call('cwt=sim-ann', 'large', '', 'ann'));
  const answers = 'ucwa_proxy_upstream_responses_total{kind="single",code="200"}';
  await proxy.untilMetric(answers, (count) => count === 1);
  const other = await timed(new RawClient(proxy.port), call('cwt=sim-bob', 'me', '', 'bob'));
  expect(other.status).toBe(200);
  expect(await refused(proxy, 'slow_reader')).toBe(0);
});

test('an answer that ends with its connection does not wait for a reader that reads nothing', async () => {
  const large = Buffer.alloc(40_000_000);
  const pool = await startScriptedPool((request, socket) => {
    if (!request.includes('large')) {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n');
    socket.end(large);
  });
  const proxy = await startProxy(pool.url, { UCWA_PROXY_BATCHING_MODE: 'off' });
  const reader = new RawClient(proxy.port);
  reader.pause();
  reader.send(call('cwt=sim-ann', 'large', '', 'ann'));
  await proxy.untilMetric('ucwa_proxy_refused_total{reason="slow_reader"}', (cut) => cut === 1);
  await pool.untilClosed(1);
  const other = await timed(new RawClient(proxy.port), call('cwt=sim-bob', 'me', '', 'bob'));
  expect(other.status).toBe(200);
});

test('a reader that keeps reading slowly gets the whole answer', async () => {
  const body = Buffer.alloc(30_000_000);
  const pool = await startScriptedPool((_request, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
    socket.write(body);
  });
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_UPSTREAM_TIMEOUT_MS: '3000',
    UCWA_PROXY_BATCHING_MODE: 'fixed',
    UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
    UCWA_PROXY_LIMITS_MAX_RESPONSE_BYTES: '64000000',
  });
  // The calls are identical, so that the answer is one piece. The system buffers less than half of
  // it.
  const readers = Array.from({ length: 2 }, () => {
    const socket = connect(proxy.port, '127.0.0.1');
    onCleanup(() => socket.destroy());
    const reader = { socket, received: 0, allowed: 0 };
    socket.on('data', (chunk) => {
      reader.received += chunk.length;
      if (reader.received >= reader.allowed) socket.pause();
    });
    socket.write(call('cwt=sim-ann', 'me'));
    return reader;
  });
  const more = setInterval(() => {
    for (const reader of readers) {
      reader.allowed += 1_500_000;
      reader.socket.resume();
    }
  }, 500);
  onCleanup(() => clearInterval(more));
  const startedAtMs = performance.now();
  await proxy.untilMetric('ucwa_proxy_calls_total{via="single",code="200"}', (n) => n === 2);
  // Longer than two checks and the time within which the reader must make progress.
  expect(performance.now() - startedAtMs).toBeGreaterThan(6000);
  expect(await refused(proxy, 'slow_reader')).toBe(0);
}, 40_000);

test('all buffered answers together are bounded: one beyond the bound is broken off, the others are complete', async () => {
  const half = Buffer.alloc(3000, 'x');
  const begun: Socket[] = [];
  const pool = await startScriptedPool((_request, socket) => {
    if (begun.length > 1) {
      socket.write('HTTP/1.1 204 No Content\r\n\r\n');
      return;
    }
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6000\r\n\r\n');
    socket.write(half);
    begun.push(socket);
  });
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'fixed',
    UCWA_PROXY_BATCHING_LINGER_MAX_MS: '1000',
    UCWA_PROXY_LIMITS_MAX_RESPONSE_BYTES: '8000',
    UCWA_PROXY_LIMITS_MAX_BUFFERED_RESPONSE_BYTES: '8000',
  });
  // Identical calls share one answer, which is buffered until it is complete.
  const ask = (user: string) =>
    Promise.all(
      [1, 2].map(() => timed(new RawClient(proxy.port), call(`cwt=sim-${user}`, 'me', '', user))),
    );
  const tooLarge = 'ucwa_proxy_protocol_errors_total{kind="too_large"}';
  const first = ask('ann');
  await proxy.untilMetric(
    'ucwa_proxy_upstream_responses_total{kind="single",code="200"}',
    (n) => n === 1,
  );
  const second = ask('bob');
  await proxy.untilMetric(
    'ucwa_proxy_upstream_responses_total{kind="single",code="200"}',
    (n) => n === 2,
  );
  begun[1]?.write(half);
  await proxy.untilMetric(tooLarge, (count) => count === 1);
  begun[0]?.write(half);
  expect((await first).map(({ status }) => status)).toEqual([200, 200]);
  // The calls are GETs, so each is retried as a single request.
  expect((await second).map(({ status }) => status)).toEqual([204, 204]);
});

describe('one user, before a pool that hangs,', () => {
  const writes = `${app}/communication/messagingInvitations`;

  test('leaves connections to others, also while an operation of that user waits for a write', async () => {
    const pool = await startScriptedPool(() => undefined);
    const proxy = await startProxy(pool.url, {
      UCWA_PROXY_BATCHING_MODE: 'off',
      UCWA_PROXY_UPSTREAM_MAX_CONNECTIONS: '16',
    });
    const client = new UcwaClient(proxy.url);
    const ask = (target: string, asked = {}): void =>
      void client.ask(target, asked).catch(() => undefined);
    const ofPool = 'ucwa_proxy_outstanding_calls';
    ask(writes, { method: 'PUT', body: '{}' });
    await proxy.untilMetric(ofPool, (calls) => calls === 1);
    ask(writes, { method: 'POST', body: '{"operationId":"1"}' });
    await proxy.untilMetric('ucwa_proxy_held_calls', (calls) => calls === 1);
    for (const target of notes(15)) ask(target);
    await proxy.untilMetric('ucwa_proxy_held_calls', (calls) => calls === 9);
    ask(notes(1)[0]!, { token: 'cwt=sim-bob' });
    await proxy.untilMetric(ofPool, (calls) => calls === 9);
    const isOfBob = (request: string): boolean => request.includes('sim-bob');
    // Without a free connection this request would never come.
    while (!pool.requests.some(isOfBob)) await proxy.metrics();
    expect(pool.requests).toHaveLength(9);
  });

  test('gets answers to other calls, however few connections there are', async () => {
    const pool = await startScriptedPool((request, socket) => {
      if (!request.includes('n=1 ')) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    });
    const proxy = await startProxy(pool.url, {
      UCWA_PROXY_BATCHING_MODE: 'off',
      UCWA_PROXY_UPSTREAM_MAX_CONNECTIONS: '7',
      UCWA_PROXY_UPSTREAM_TIMEOUT_MS: '1000',
    });
    const client = new UcwaClient(proxy.url);
    const answers = await Promise.all(notes(4).map((target) => client.ask(target)));
    expect(answers.map(({ status }) => status)).toEqual([504, 204, 204, 204]);
  });
});
