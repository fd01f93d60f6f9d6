/** Polls with answers that wait for the answer to a POST: their clients, their connections, and shutdowns. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import {
  created,
  eventJson,
  get,
  heldEvents,
  named,
  NotingClient,
  ok,
  poll,
  type PoolRequest,
  post,
  startEventPool,
  startScene,
  unrelated,
} from '../support/event-pool.ts';
import { startProxy } from '../support/proxy.ts';
import { app } from '../support/ucwa-client.ts';

describe('a poll with an answer that waits', () => {
  test('can be left, and the next poll gets its answer', async () => {
    const { proxy, order, poller, poster, pollAtPool, postAtPool, next } = await startScene();
    pollAtPool.socket.write(named);
    await delay(50);
    poller.raw.leave();
    await proxy.untilMetric('ucwa_proxy_long_polls', (polls) => polls === 0);
    expect(await heldEvents(proxy, 'abandoned')).toBe(1);
    const second = new NotingClient(proxy.port, 'second', poll, order);
    (await next('poll')).socket.write(named);
    await delay(50);
    postAtPool.socket.write(created);
    await Promise.all([poster.answered, second.answered]);
    expect(order).toEqual(['201', 'second']);
  });

  test('is answered with 504 if the pool breaks off, so that the client asks again', async () => {
    const { poller, pollAtPool } = await startScene();
    pollAtPool.socket.write(named.subarray(0, -5));
    await delay(50);
    pollAtPool.socket.resetAndDestroy();
    expect((await poller.answered).status).toBe(504);
  });

  test('keeps its connection, and further answers of its chain keep their order', async () => {
    const { proxy, order, poller, poster, pollAtPool, postAtPool, next } = await startScene();
    pollAtPool.socket.write(named);
    await delay(20);
    const second = new NotingClient(proxy.port, 'second', poll, order);
    (await next('poll')).socket.write(unrelated);
    const tab = new NotingClient(proxy.port, 'tab', get(`${app}/events?ack=1&instanceId=2`), order);
    (await next('poll')).socket.write(unrelated);
    await tab.answered;
    await delay(100);
    postAtPool.socket.write(created);
    await Promise.all([poster.answered, poller.answered, second.answered]);
    expect(order).toEqual(['tab', '201', 'event', 'second']);
    poller.raw.send(poll);
    (await next('poll')).socket.write(unrelated);
    expect((await poller.raw.readAnswer()).status).toBe(200);
  });

  test('is answered during a drain, with Connection: close', async () => {
    const { proxy, order, poller, poster, pollAtPool, postAtPool } = await startScene(post(), {
      UCWA_PROXY_DRAIN_TIMEOUT_MS: '20000',
    });
    pollAtPool.socket.write(named);
    await delay(50);
    const stopped = proxy.stop();
    await delay(1200);
    expect(order).toEqual([]);
    postAtPool.socket.write(created);
    await poster.answered;
    const { status, head } = await poller.answered;
    expect([order, status]).toEqual([['201', 'event'], 200]);
    expect(head).toContain('Connection: close');
    await stopped;
  });

  test('is answered at an abrupt end of the proxy', async () => {
    const { proxy, order, poller, poster, pollAtPool } = await startScene();
    pollAtPool.socket.write(named);
    await delay(50);
    const stopped = proxy.abort();
    expect((await poster.answered).status).toBe(504);
    expect((await poller.answered).status).toBe(200);
    expect(order).toEqual(['201', 'event']);
    await stopped;
  });
});

test('a poll and a POST that are pipelined on one connection do not wait for each other', async () => {
  const pool = await startEventPool();
  const proxy = await startProxy(pool.url);
  const order: string[] = [];
  const client = new NotingClient(proxy.port, 'event', poll + post(), order);
  const [pollAtPool, postAtPool] = [await pool.next('poll'), await pool.next('post')];
  const sentAtMs = performance.now();
  pollAtPool.socket.write(named);
  expect((await client.answered).status).toBe(200);
  expect(client.answeredAtMs - sentAtMs).toBeLessThan(1000);
  postAtPool.socket.write(created);
  expect((await client.raw.readAnswer()).status).toBe(201);
});

test('a 201 that waits behind an earlier answer of its connection still comes before its event', async () => {
  const pool = await startEventPool();
  const proxy = await startProxy(pool.url);
  const order: string[] = [];
  const poller = new NotingClient(proxy.port, 'event', poll, order);
  const pollAtPool = await pool.next('poll');
  const poster = new NotingClient(proxy.port, 'me', get(`${app}/me`) + post('{}'), order);
  const both = [await pool.next('post'), await pool.next('post')];
  const isGet = ({ text }: PoolRequest): boolean => text.startsWith('GET');
  both.find((request) => !isGet(request))?.socket.write(created);
  await delay(50);
  pollAtPool.socket.write(ok(eventJson()));
  await delay(100);
  expect(order).toEqual([]);
  both.find(isGet)?.socket.write(ok('{}'));
  await poster.answered;
  expect((await poster.raw.readAnswer()).status).toBe(201);
  await poller.answered;
  expect(order).toEqual(['me', 'event']);
  expect(await heldEvents(proxy, 'ordered')).toBe(1);
});

test('over the limit for memory an answer does not wait', async () => {
  const { order, poller, poster, pollAtPool, postAtPool } = await startScene(post(), {
    UCWA_PROXY_LIMITS_MAX_RESPONSE_BYTES: '1024',
    UCWA_PROXY_LIMITS_MAX_BUFFERED_RESPONSE_BYTES: '1024',
  });
  pollAtPool.socket.write(named);
  await poller.answered;
  postAtPool.socket.write(created);
  await poster.answered;
  expect(order).toEqual(['event', '201']);
});

test('the bytes of released answers do not count', async () => {
  const { proxy, order, poller, poster, pollAtPool, postAtPool, next } = await startScene(post(), {
    UCWA_PROXY_LIMITS_MAX_RESPONSE_BYTES: '4096',
    UCWA_PROXY_LIMITS_MAX_BUFFERED_RESPONSE_BYTES: '4096',
  });
  pollAtPool.socket.write(unrelated);
  await poller.answered;
  for (const name of ['second', 'third']) {
    poller.raw.send(poll);
    (await next('poll')).socket.write(unrelated);
    order.push(name);
    expect((await poller.raw.readAnswer()).status).toBe(200);
  }
  poller.raw.send(poll);
  (await next('poll')).socket.write(named);
  await delay(50);
  postAtPool.socket.write(created);
  await poster.answered;
  expect((await poller.raw.readAnswer()).status).toBe(200);
  expect(await heldEvents(proxy, 'ordered')).toBe(1);
});
