/** The answer to a POST that starts an operation reaches the client before the events of the operation. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import {
  answer,
  created,
  eventJson,
  eventXml,
  get,
  heldEvents,
  invitations,
  location,
  named,
  NotingClient,
  ok,
  operationId,
  poll,
  type PoolRequest,
  post,
  startScene,
  unrelated,
  zipped,
} from '../support/event-pool.ts';
import { app } from '../support/ucwa-client.ts';

const earlyMs = 300;

describe('an event that the pool sends 300 ms before the 201 reaches the client after the 201', () => {
  const json = eventJson({ id: operationId });
  const [head, body] = [json.slice(0, 40), json.slice(40)];
  const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
  test.each<[string, Buffer | readonly string[], string]>([
    ['with its operation id', named, post()],
    ['with the id, elsewhere', ok(eventJson({ id: operationId, href: `${app}/x` })), post()],
    ['with only its Location', ok(eventJson()), post('{}')],
    [
      'with only its Location, below an absolute link',
      ok(eventJson({ href: `https://p${location}/x` })),
      post(),
    ],
    ['in XML, with its operation id', ok(eventXml({ id: operationId })), post()],
    ['in XML, with only its Location', ok(eventXml()), post('<input/>')],
    ['in gzip', zipped(json), post()],
    [
      'with the id from the query',
      named,
      post('{}', { target: `${invitations}?operationId=${operationId}` }),
    ],
    [
      'in slow chunks',
      [
        `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n`,
        chunk(head),
        chunk(body),
        chunk(''),
      ],
      post(),
    ],
    [
      'with a head before its body',
      [`HTTP/1.1 200 OK\r\nContent-Length: ${json.length}\r\n\r\n`, json],
      post(),
    ],
    ['if the POST passes through', named, post(undefined, { fields: 'X-Ucwa-Batch: never\r\n' })],
    [
      'if the POST passes through, with the id of its body elsewhere',
      ok(eventJson({ id: operationId, href: `${app}/x`, type: 'updated' })),
      post(undefined, { fields: 'X-Ucwa-Batch: never\r\n' }),
    ],
  ])('%s', async (_, answered, posted) => {
    const { proxy, order, poller, poster, pollAtPool, postAtPool } = await startScene(posted);
    for (const piece of Buffer.isBuffer(answered) ? [answered] : answered) {
      pollAtPool.socket.write(piece);
      await delay(20);
    }
    await delay(earlyMs);
    expect(order).toEqual([]);
    postAtPool.socket.write(created);
    expect((await poster.answered).head).toContain(location);
    const { status, body: received } = await poller.answered;
    expect([order, status]).toEqual([['201', 'event'], 200]);
    const sent = Buffer.isBuffer(answered) ? answered : Buffer.from(json);
    expect(sent.includes(received)).toBe(true);
    expect(received.length).toBeGreaterThan(0);
    expect(await heldEvents(proxy, 'ordered')).toBe(1);
  });
});

describe('an event waits for at most', () => {
  const elsewhere = ok(eventJson({ href: `${app}/communication/audio/a1` }));
  test('2 s for its POST', async () => {
    const { proxy, order, poller, poster, pollAtPool, postAtPool } = await startScene();
    const sentAtMs = performance.now();
    pollAtPool.socket.write(named);
    await poller.answered;
    expect(poller.answeredAtMs - sentAtMs).toBeGreaterThan(1900);
    expect(poller.answeredAtMs - sentAtMs).toBeLessThan(2500);
    postAtPool.socket.write(created);
    await poster.answered;
    expect(order).toEqual(['event', '201']);
    expect(await heldEvents(proxy, 'expired')).toBe(1);
  });

  test('50 ms if it starts something elsewhere, unless the Location then names it', async () => {
    const { proxy, order, poller, pollAtPool, postAtPool, next } = await startScene(post('{}'));
    const sentAtMs = performance.now();
    pollAtPool.socket.write(elsewhere);
    await poller.answered;
    expect(poller.answeredAtMs - sentAtMs).toBeGreaterThan(40);
    expect(poller.answeredAtMs - sentAtMs).toBeLessThan(500);
    expect(await heldEvents(proxy, 'unrelated')).toBe(1);
    const second = new NotingClient(proxy.port, 'second', poll, order);
    (await next('poll')).socket.write(elsewhere);
    await delay(10);
    postAtPool.socket.write(
      answer('201 Created', '', `Location: ${app}/communication/audio/a1\r\n`),
    );
    await second.answered;
    expect(order).toEqual(['event', '201', 'second']);
    expect(await heldEvents(proxy, 'ordered')).toBe(1);
  });
});

describe('an event does not wait', () => {
  const other = 'cwt=sim-bob';
  test.each([
    ['if it is of something else', unrelated, poll],
    ['if it starts an operation with another id', ok(eventJson({ id: 'another' })), poll],
    ['if it is another user', named, get(`${app}/events?ack=1`, other)],
    ['if it is another application', named, get(`${app}6/events?ack=1`)],
    ['if it cannot be read', ok(`{${operationId}`), poll],
    [
      'if it is longer than 256 KiB',
      ok(eventJson({ id: operationId }) + ' '.repeat(262_144)),
      poll,
    ],
    ['if the answer is an error', answer('409 Conflict', eventJson({ id: operationId })), poll],
  ])('%s', async (_, answered, polled) => {
    const { proxy, order, poller, poster, pollAtPool, postAtPool } = await startScene(
      post(),
      {},
      polled,
    );
    pollAtPool.socket.write(answered);
    const { body } = await poller.answered;
    expect(answered.subarray(-body.length).equals(body)).toBe(true);
    postAtPool.socket.write(created);
    await poster.answered;
    expect(order).toEqual(['event', '201']);
    for (const outcome of ['ordered', 'unrelated', 'expired', 'abandoned']) {
      expect([outcome, await heldEvents(proxy, outcome)]).toEqual([outcome, 0]);
    }
  });

  test('if the POST below which it starts something has not left for the pool', async () => {
    const env = { UCWA_PROXY_UPSTREAM_MAX_CONNECTIONS: '1' };
    const scene = await startScene(get(`${app}/me`, other), env);
    const { proxy, order, poller, pollAtPool, postAtPool, next } = scene;
    const poster = new NotingClient(proxy.port, 'post', post('{}'), order);
    await proxy.untilMetric('ucwa_proxy_held_calls', (calls) => calls === 1);
    pollAtPool.socket.write(ok(eventJson({ href: `${invitations}/other` })));
    await poller.answered;
    postAtPool.socket.write(answer('200 OK', '{}'));
    (await next('post')).socket.write(created);
    await poster.answered;
    expect(order).toEqual(['event', '201', 'post']);
    expect(await heldEvents(proxy, 'expired')).toBe(0);
  });

  test('if batching.holdEvents is false', async () => {
    const { order, poller, poster, pollAtPool, postAtPool } = await startScene(post(), {
      UCWA_PROXY_BATCHING_HOLD_EVENTS: 'false',
    });
    pollAtPool.socket.write(named);
    await poller.answered;
    postAtPool.socket.write(created);
    await poster.answered;
    expect(order).toEqual(['event', '201']);
  });
});

describe('an event is sent at the end of its POST', () => {
  test.each<[string, number, (socket: PoolRequest['socket']) => void]>([
    ['with 500', 500, (socket) => socket.write(answer('500 Internal Server Error', '{}'))],
    ['with 400', 400, (socket) => socket.write(answer('400 Bad Request', '{}'))],
    ['with a reset', 504, (socket) => void socket.resetAndDestroy()],
  ])('%s', async (_, status, end) => {
    const { order, poller, poster, pollAtPool, postAtPool } = await startScene();
    pollAtPool.socket.write(named);
    await delay(50);
    end(postAtPool.socket);
    expect((await poster.answered).status).toBe(status);
    expect((await poller.answered).status).toBe(200);
    expect(order).toEqual(['201', 'event']);
  });

  test('with a deadline', async () => {
    const env = { UCWA_PROXY_UPSTREAM_TIMEOUT_MS: '500' };
    const { order, poller, poster, pollAtPool } = await startScene(post(), env);
    pollAtPool.socket.write(named);
    expect((await poster.answered).status).toBe(504);
    await poller.answered;
    expect(order).toEqual(['201', 'event']);
  });

  test('when the client of the POST leaves', async () => {
    const { poller, poster, pollAtPool } = await startScene();
    pollAtPool.socket.write(named);
    await delay(50);
    const leftAtMs = performance.now();
    poster.raw.leave();
    expect((await poller.answered).status).toBe(200);
    expect(poller.answeredAtMs - leftAtMs).toBeLessThan(1000);
  });

  test('after a 429, when the POST that is sent again is answered', async () => {
    const { order, poller, poster, pollAtPool, postAtPool, next } = await startScene();
    postAtPool.socket.write(answer('429 Too Many Requests', '{}', 'Retry-After: 0\r\n'));
    const again = await next('post');
    pollAtPool.socket.write(named);
    await delay(50);
    again.socket.write(created);
    expect((await poster.answered).status).toBe(201);
    await poller.answered;
    expect(order).toEqual(['201', 'event']);
  });
});
