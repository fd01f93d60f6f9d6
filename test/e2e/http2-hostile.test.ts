/** Heads, windows and frames by which clients of HTTP/2 attack. The advisories are in docs/advisories.md. */
import { constants } from 'node:http2';
import { describe, expect, test } from '@jest/globals';
import {
  calm,
  connections,
  expectServes,
  h2c,
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
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';
import { app } from '../support/ucwa-client.ts';

describe('a small head that becomes large is refused: HTTP/2 bomb, CVE-2026-49975, CVE-2026-47774', () => {
  const bomb = Buffer.from([0x80 | 62]);

  test.each([
    ['one field many times', [['x-bomb', 'x'.repeat(4000)]], 300],
    ['crumbs of a cookie', [['cookie', 'x'.repeat(4000)]], 300],
    ['many short crumbs', [['cookie', '']], 5000],
  ] as Array<[string, Array<[string, string]>, number]>)('%s', async (_name, field, times) => {
    const proxy = await startAttacked();
    const client = new RawHttp2(proxy.port);
    const fill = Buffer.concat([literals(getFields('/a#b')), literals(field, true)]);
    client.send(frame(frameType.headers, flag.endHeaders | flag.endStream, 1, fill));
    await client.until(({ stream, type }) => stream === 1 && type === frameType.headers);
    const block = Buffer.concat([literals(getFields('/root')), ...Array<Buffer>(times).fill(bomb)]);
    client.send(frame(frameType.headers, flag.endHeaders | flag.endStream, 3, block));
    expect(await client.resetCode(3)).toBe(calm);
  });

  test('between the two limits it is answered with 431', async () => {
    const proxy = await startAttacked();
    const client = new Http2Client(proxy.url);
    const cookie = Array.from({ length: 99 }, (_, i) => `c${i}=1`);
    const many = await client.ask('/root', { headers: { cookie, 'x-a': 'b', 'x-b': 'c' } });
    expect(many.status).toBe(431);
    const raw = new RawHttp2(proxy.port);
    const long = ['a', 'b', 'c'].map((name) => [name, 'x'.repeat(22_500)] as const);
    const block = Buffer.concat([literals(getFields('/root')), literals(long)]);
    const pieces = [0, 1, 2, 3, 4].map((i) => block.subarray(i * 16_384, (i + 1) * 16_384));
    raw.send(
      ...pieces.map((piece, i) =>
        frame(
          i === 0 ? frameType.headers : frameType.continuation,
          (i === 0 ? flag.endStream : 0) | (i === 4 ? flag.endHeaders : 0),
          1,
          piece,
        ),
      ),
    );
    await raw.until(({ type }) => type === frameType.headers);
    await proxy.untilMetric(refused('head_too_large'), (value) => value === 2);
    expect((await client.ask('/a#b')).status).toBe(400);
  });

  test('heads that wait behind a closed window share a limit', async () => {
    const proxy = await startAttacked();
    // SETTINGS_INITIAL_WINDOW_SIZE 0
    const client = new RawHttp2(proxy.port, [0, 4, 0, 0, 0, 0]);
    const long = [
      ['x-a', 'x'.repeat(16_000)],
      ['x-b', 'x'.repeat(16_000)],
    ] as const;
    for (let i = 0; i < 32; i += 1) {
      const block = Buffer.concat([literals(getFields(`${app}/me`)), literals(long)]);
      client.send(
        frame(frameType.headers, flag.endStream, 2 * i + 1, block.subarray(0, 16_384)),
        frame(frameType.continuation, 0, 2 * i + 1, block.subarray(16_384, 32_000)),
        frame(frameType.continuation, flag.endHeaders, 2 * i + 1, block.subarray(32_000)),
      );
    }
    await client.until(({ type }) => type === frameType.rstStream);
    expect((await proxy.metrics()).get(refused('queue_bytes'))).toBeGreaterThan(0);
  });
});

describe('a client that does not read', () => {
  test('behind a window of 0 loses the stream, and its other streams go on', async () => {
    const pool = await startPool();
    const proxy = await startProxy(pool.url, h2c);
    const client = new RawHttp2(proxy.port, [0, 4, 0, 0, 0, 0]);
    client.send(headers(1, getFields(`${app}/me`)));
    await client.until(({ type }) => type === frameType.headers);
    client.send(
      headers(3, getFields(`${app}/me/note`)),
      frame(frameType.windowUpdate, 0, 3, word(65_535)),
    );
    await client.until(({ type, stream }) => type === frameType.data && stream === 3);
    expect(await client.resetCode(1)).toBe(constants.NGHTTP2_INTERNAL_ERROR);
    await proxy.untilMetric(refused('slow_reader'), (value) => value === 1);
    client.send(headers(5, getFields('/a#b')));
    await client.until(({ type, stream }) => type === frameType.headers && stream === 5);
  });
});

test('a body that stops ends its stream with 408', async () => {
  const proxy = await startAttacked({
    UCWA_PROXY_LISTEN_REQUEST_TIMEOUT_MS: '300',
    UCWA_PROXY_LISTEN_HEADERS_TIMEOUT_MS: '300',
  });
  const client = new RawHttp2(proxy.port);
  const fields = [...postFields(`${app}/me/note`), ['content-length', '9']] as const;
  client.send(headers(1, fields, flag.endHeaders), frame(frameType.data, 0, 1, [1]));
  await client.until(({ type, stream }) => type === frameType.headers && stream === 1);
  await proxy.untilMetric(refused('slow_request'), (value) => value === 1);
  expect(await client.resetCode(1)).toBe(constants.NGHTTP2_NO_ERROR);
});

describe('input that ended or filled other programs does no harm', () => {
  const get = (id: number): Buffer => headers(id, getFields('/a#b'));
  test.each([
    [
      'a window of the connection above 2^31-1, CVE-2026-21714',
      [get(1), frame(frameType.windowUpdate, 0, 0, word(2 ** 31 - 1))],
    ],
    [
      'a malformed HPACK block, CVE-2025-59465',
      [frame(frameType.headers, 5, 1, [0xff, 0xff, 0xff, 0xff, 0xff])],
    ],
    [
      'a frame of a wrong size behind the end of the session, CVE-2026-27135',
      [
        frame(frameType.windowUpdate, 0, 0, word(0)),
        frame(10, 0, 0, [0, 1]),
        frame(16, 0, 0, [1]),
        frame(frameType.ping, 0, 0, [1]),
      ],
    ],
    [
      'a request behind a GOAWAY in one write',
      [get(1), frame(frameType.goaway, 0, 0, Buffer.alloc(8)), get(3), get(5)],
    ],
    [
      'a request behind a reset in one write',
      [get(1), frame(frameType.rstStream, 0, 1, word(8)), get(3)],
    ],
    [
      'a window of a stream that shrinks below 0',
      [get(1), frame(frameType.settings, 0, 0, [0, 4, 0, 0, 0, 0]), get(3)],
    ],
    [
      'PUSH_PROMISE of a client',
      [frame(5, 4, 1, Buffer.concat([word(2), literals(getFields('/a'))]))],
    ],
    ['a frame above the limit', [frame(frameType.data, 0, 1, Buffer.alloc(16_385))]],
  ])('%s', async (_name, frames) => {
    const proxy = await startAttacked();
    for (let round = 0; round < 5; round += 1) {
      const client = new RawHttp2(proxy.port);
      client.send(...frames);
      client.send(get(101));
      await client.until(
        ({ type }) => type !== frameType.settings && type !== frameType.windowUpdate,
      );
      client.socket.resetAndDestroy();
    }
    await proxy.untilMetric(connections, (value) => value === 0);
    await expectServes(proxy);
  });
});

test.each([
  ['a WINDOW_UPDATE of 0', frame(frameType.windowUpdate, 0, 0, word(0))],
  ['DATA of a stream that was never opened', frame(frameType.data, 0, 1, [0])],
  ['an illegal setting', frame(frameType.settings, 0, 0, [0, 2, 0, 0, 0, 9])],
])('behind the GOAWAY for %s no request is served', async (_name, illegal) => {
  const seen: string[] = [];
  const pool = await startScriptedPool((text) => void seen.push(text));
  const proxy = await startProxy(pool.url, h2c);
  const client = new RawHttp2(proxy.port);
  client.send(illegal);
  await client.until(({ type }) => type === frameType.goaway);
  client.send(headers(3, getFields('/root')));
  await client.closed;
  await proxy.untilMetric(connections, (value) => value === 0);
  expect(seen).toEqual([]);
});

test('a client that accepts only heads of one byte gets its answer all the same', async () => {
  const proxy = await startAttacked();
  const client = new RawHttp2(proxy.port, [0, 6, 0, 0, 0, 1]);
  for (let id = 1; id < 300; id += 2) {
    client.send(headers(id, getFields('/a#b')));
    await client.until(({ type, stream }) => type === frameType.headers && stream === id);
  }
  expect(client.socket.destroyed).toBe(false);
});
