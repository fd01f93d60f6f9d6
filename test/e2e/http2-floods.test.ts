/** Attacks by frames that HTTP/2 allows. The advisories are in docs/advisories.md. */
import { constants } from 'node:http2';
import { describe, expect, test } from '@jest/globals';
import {
  calm,
  connections,
  expectServes,
  refused,
  startAttacked,
} from '../support/http2-attacks.ts';
import { Http2Client } from '../support/http2-client.ts';
import {
  flag,
  frame,
  frameType,
  getFields,
  headers,
  literals,
  postFields,
  RawHttp2,
  word,
} from '../support/http2-frames.ts';
import { app } from '../support/ucwa-client.ts';

/** Sends until the proxy closes the connection. Returns the code of its GOAWAY. */
async function flood(
  client: RawHttp2,
  frames: (round: number) => Buffer,
): Promise<number | undefined> {
  for (let round = 0; !client.socket.destroyed && round < 10_000; round += 1) {
    client.send(frames(round));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await client.closed;
  return client.goawayCode();
}

describe('streams that end before their answer are limited', () => {
  test('by RST_STREAM of the client: rapid reset, CVE-2023-44487', async () => {
    const proxy = await startAttacked();
    const client = new RawHttp2(proxy.port);
    const code = await flood(client, (round) =>
      Buffer.concat([
        headers(2 * round + 1, getFields(`${app}/me`)),
        frame(frameType.rstStream, 0, 2 * round + 1, word(constants.NGHTTP2_CANCEL)),
      ]),
    );
    expect(code).toBe(calm);
    await proxy.untilMetric(refused('http2_resets'), (value) => value === 1);
    await proxy.untilMetric('ucwa_proxy_held_calls', (value) => value === 0);
    await proxy.untilMetric('ucwa_proxy_outstanding_calls', (value) => value === 0);
    await expectServes(proxy);
  });

  test.each([
    ['a WINDOW_UPDATE of 0', (id: number) => [frame(frameType.windowUpdate, 0, id, word(0))]],
    [
      'a window above 2^31-1',
      (id: number) => [frame(frameType.windowUpdate, 0, id, word(2 ** 31 - 1))],
    ],
    [
      'a stream that depends on itself',
      (id: number) => [frame(frameType.priority, 0, id, Buffer.from([...word(id), 0]))],
    ],
    ['a PRIORITY of a wrong length', (id: number) => [frame(frameType.priority, 0, id, word(1))]],
    ['DATA after the end', (id: number) => [frame(frameType.data, 0, id, [1])]],
    ['HEADERS after the end', (id: number) => [headers(id, [['x-a', 'b']])]],
  ])(
    'by a reset of the proxy that the client provokes: MadeYouReset, CVE-2025-8671: %s',
    async (_name, provoke) => {
      const proxy = await startAttacked();
      const client = new RawHttp2(proxy.port);
      await flood(client, (round) => {
        const id = 2 * round + 1;
        return Buffer.concat([headers(id, getFields(`${app}/me`)), ...provoke(id)]);
      });
      const metrics = await proxy.metrics();
      const counted = ['http2_resets', 'http2_flood', 'malformed', 'slow_reader'].map(
        (reason) => metrics.get(refused(reason)) ?? 0,
      );
      expect(Math.max(...counted)).toBe(1);
      await proxy.untilMetric('ucwa_proxy_held_calls', (value) => value === 0);
      await proxy.untilMetric('ucwa_proxy_outstanding_calls', (value) => value === 0);
      await expectServes(proxy);
    },
  );

  test('by streams above the limit: REFUSED_STREAM, then the end', async () => {
    const proxy = await startAttacked();
    const client = new RawHttp2(proxy.port);
    await flood(client, (round) => headers(2 * round + 1, getFields(`${app}/me`)));
    const resets = client.frames.filter(({ type }) => type === frameType.rstStream);
    expect(resets.length).toBeLessThan(150);
    await proxy.untilMetric(refused('http2_flood'), (value) => value === 1);
    await expectServes(proxy);
  });

  test('but not the resets of a client that leaves a page', async () => {
    const proxy = await startAttacked();
    const client = new Http2Client(proxy.url);
    for (let page = 0; page < 3; page += 1) {
      const leaver = new AbortController();
      const calls = Array.from({ length: 20 }, () =>
        client.ask(`${app}/me`, { signal: leaver.signal }),
      );
      await proxy.untilMetric('ucwa_proxy_outstanding_calls', (value) => value > 0);
      leaver.abort();
      await Promise.all(calls);
    }
    expect((await client.ask('/a#b')).status).toBe(400);
  });
});

describe('frames that carry neither a request nor a body are limited', () => {
  const big = (one: Buffer): Buffer => Buffer.concat(Array<Buffer>(200).fill(one));
  test.each([
    ['PING, CVE-2019-9512', big(frame(frameType.ping, 0, 0, Buffer.alloc(8)))],
    ['SETTINGS, CVE-2019-9515', big(frame(frameType.settings, 0, 0))],
    [
      'SETTINGS with many entries, CVE-2020-11080',
      frame(frameType.settings, 0, 0, Buffer.alloc(6 * 33)),
    ],
    ['PRIORITY, CVE-2019-9513', big(frame(frameType.priority, 0, 1001, [0, 0, 0, 0, 16]))],
    ['WINDOW_UPDATE', big(frame(frameType.windowUpdate, 0, 0, word(1)))],
    ['an unknown type', big(frame(99, 0, 0, Buffer.alloc(8)))],
  ])('%s', async (_name, frames) => {
    const proxy = await startAttacked();
    const client = new RawHttp2(proxy.port);
    await flood(client, () => frames);
    const metrics = await proxy.metrics();
    // nghttp2 of Node 24 ends some floods itself.
    const counted = ['http2_flood', 'slow_reader', 'malformed'].map(
      (reason) => metrics.get(refused(reason)) ?? 0,
    );
    expect(counted.reduce((sum, value) => sum + value)).toBe(1);
    await proxy.untilMetric(connections, (value) => value === 0);
    await expectServes(proxy);
  });

  test.each([
    ['empty DATA, CVE-2019-9518', big(frame(frameType.data, 0, 1))],
    [
      'DATA of one byte with a long padding',
      big(frame(frameType.data, 8, 1, [100, 1, ...Buffer.alloc(100)])),
    ],
  ])('%s', async (_name, frames) => {
    const proxy = await startAttacked();
    const client = new RawHttp2(proxy.port);
    client.send(headers(1, postFields('/upload'), flag.endHeaders));
    await flood(client, () => frames);
    await proxy.untilMetric(connections, (value) => value === 0);
    await expectServes(proxy);
  });

  test('but not bodies that are on their way when their early answers come', async () => {
    const proxy = await startAttacked();
    const client = new RawHttp2(proxy.port);
    const piece = Buffer.alloc(15_000);
    for (let id = 1; id < 40; id += 2) {
      client.send(headers(id, postFields('/a#b'), flag.endHeaders));
      expect(await client.resetCode(id)).toBe(constants.NGHTTP2_NO_ERROR);
      for (let i = 0; i < 4; i += 1) client.send(frame(frameType.data, 0, id, piece));
    }
    // Two checks of the connection.
    await new Promise((resolve) => setTimeout(resolve, 2100));
    client.send(headers(41, getFields('/a#b')));
    await client.until(({ type, stream }) => type === frameType.headers && stream === 41);
    expect(client.socket.destroyed).toBe(false);
  });

  test('and early answers give no room for them', async () => {
    const proxy = await startAttacked();
    const client = new RawHttp2(proxy.port);
    let id = -1;
    const frames = big(frame(frameType.windowUpdate, 0, 0, word(1)));
    const code = await flood(client, () =>
      Buffer.concat([
        headers((id += 2), postFields('/a#b'), flag.endHeaders),
        ...Array<Buffer>(20).fill(frames),
      ]),
    );
    expect(code).toBe(calm);
    await proxy.untilMetric(refused('http2_flood'), (value) => value === 1);
  });

  test.each([
    [
      'CVE-2024-27316, CVE-2024-27983, CVE-2024-30255',
      Buffer.alloc(1024, literals([['x-a', 'b']])),
    ],
    ['without bytes, CVE-2026-33871', Buffer.alloc(0)],
  ])('CONTINUATION: %s', async (_name, payload) => {
    const proxy = await startAttacked();
    const client = new RawHttp2(proxy.port);
    client.send(frame(frameType.headers, 0, 1, literals(getFields('/root'))));
    await flood(client, () => frame(frameType.continuation, 0, 1, payload));
    await proxy.untilMetric(refused('malformed'), (value) => value === 1);
    await expectServes(proxy);
  });
});
