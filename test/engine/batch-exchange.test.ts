import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { createGzip, gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import type { Asked } from '../../src/core/messages/reply.ts';
import { BatchExchange, type BatchExchangeHost } from '../../src/engine/batch-exchange.ts';
import { aKey, app } from '../support/recording-sink.ts';

const part =
  '\r\n--b\r\nContent-Type: application/http; msgtype=response\r\n\r\nHTTP/1.1 201 Created\r\n\r\nok';

const plainHead = ['Content-Type', 'multipart/batching; boundary=b'];

/** A batch of three calls, and the events for its callers, in order. */
function exchange(reserve: BatchExchangeHost['reserve'] = () => true, head = plainHead) {
  const heard: string[] = [];
  let settle: () => void = () => undefined;
  const settled = new Promise<void>((resolve) => (settle = resolve));
  const asked: Asked[] = [1, 2, 3].map((n) => ({ target: `${app}/me?${n}`, key: aKey('ann') }));
  const batch = new BatchExchange(asked, false, 100_000, {
    answered: () => undefined,
    protocolError: () => undefined,
    reserve,
    part: (index, reply, early) =>
      heard.push(`${index}: ${'status' in reply ? reply.status : 'fault'}${early ? ' early' : ''}`),
    settled: (ending) => {
      heard.push(ending.kind === 'failure' ? ending.cause : ending.kind);
      settle();
    },
    abort: () => undefined,
  });
  batch.head(200, 'OK', head);
  return { batch, heard, settled };
}

test('whole parts are used, even if the connection breaks right after them', () => {
  const { batch, heard } = exchange();
  batch.data(Buffer.from(`${part}${part}\r\n--b\r\n`));
  batch.fault({ phase: 'unknown', name: 'http_response_incomplete' });
  expect(heard).toEqual(['0: 201', '1: 201', 'broken_off']);
});

test('whole parts are used, even if there is no room for more right after them', () => {
  let room = 1000;
  const { batch, heard } = exchange((bytes) => (room -= bytes) >= 0);
  batch.data(Buffer.from(`${part}${part}\r\n--b\r\n`));
  batch.data(Buffer.alloc(1000));
  expect(heard).toEqual(['0: 201', '1: 201', 'broken_off']);
});

test('parts with more to come are given in the same turn, marked for early release', async () => {
  const { batch, heard } = exchange();
  batch.data(Buffer.from(`${part}${part}\r\n--b\r\n`));
  await Promise.resolve();
  expect(heard).toEqual(['0: 201 early', '1: 201 early']);
});

test('parts that come together with the end of the answer are not marked for early release', async () => {
  const { batch, heard } = exchange();
  batch.data(Buffer.from(`${part}${part}${part}\r\n--b--\r\n`));
  batch.end();
  await Promise.resolve();
  expect(heard).toEqual(['0: 201', '1: 201', '2: 201', 'complete']);
});

describe('a compressed answer', () => {
  const head = ['Content-Type', 'multipart/batching; boundary=b', 'Content-Encoding', 'gzip'];
  const whole = `${part}${part}${part}\r\n--b--\r\n`;

  const compressed = () => exchange(() => true, head);

  test('that comes whole is read like any other: in one turn, and nothing is early', () => {
    const { batch, heard } = compressed();
    const bytes = gzipSync(whole);
    batch.data(bytes.subarray(0, 20));
    batch.data(bytes.subarray(20));
    batch.end();
    expect(heard).toEqual(['0: 201', '1: 201', '2: 201', 'complete']);
  });

  test('gives each part as soon as it is there', async () => {
    const { batch, heard, settled } = compressed();
    const gzip = createGzip();
    const written: Buffer[] = [];
    gzip.on('data', (chunk: Buffer) => written.push(chunk));
    const piece = async (text: string): Promise<Buffer> => {
      gzip.write(text);
      await new Promise<void>((resolve) => gzip.flush(() => resolve()));
      return Buffer.concat(written.splice(0));
    };
    const until = async (count: number): Promise<void> => {
      while (heard.length < count) await setImmediate();
    };
    batch.data(await piece(`${part}\r\n--b\r\n`));
    await until(1);
    expect(heard).toEqual(['0: 201 early']);
    batch.data(await piece(`${part}\r\n--b\r\n`.slice(7)));
    await until(2);
    batch.data(await piece(`${part}\r\n--b--\r\n`.slice(7)));
    gzip.end();
    await once(gzip, 'end');
    batch.data(Buffer.concat(written));
    batch.end();
    await settled;
    expect(heard).toEqual(['0: 201 early', '1: 201 early', '2: 201 early', 'complete']);
  });

  test.each([
    ['in the turn in which it came', false],
    ['in a later turn', true],
  ])('that breaks off %s keeps its whole parts', async (_, isLater) => {
    const { batch, heard, settled } = compressed();
    const gzip = createGzip();
    gzip.write(`${part}${part}\r\n--b\r\n`);
    await new Promise<void>((resolve) => gzip.flush(() => resolve()));
    const bytes = gzip.read() as Buffer;
    batch.data(bytes.subarray(0, 30));
    if (isLater) await setImmediate();
    batch.data(bytes.subarray(30));
    batch.fault({ phase: 'unknown', name: 'http_response_incomplete' });
    await settled;
    expect(heard.map((text) => text.replace(' early', ''))).toEqual([
      '0: 201',
      '1: 201',
      'broken_off',
    ]);
  });

  test.each([
    ['is truncated', gzipSync(whole).subarray(0, -10), 'broken_off'],
    [
      'is corrupt',
      Buffer.concat([gzipSync(whole).subarray(0, 20), Buffer.alloc(30, 7)]),
      'broken_off',
    ],
    ['is no gzip', Buffer.from(whole), 'broken_off'],
    ['is empty', Buffer.alloc(0), 'broken_off'],
    ['inflates to more than the limit', gzipSync(Buffer.alloc(10_000_000)), 'answer_too_large'],
  ])('that %s fails', async (_, bytes, cause) => {
    const { batch, heard, settled } = compressed();
    batch.data(bytes);
    batch.end();
    await settled;
    expect(heard.at(-1)).toBe(cause);
    expect(heard.filter((text) => !/^\d/.test(text))).toHaveLength(1);
  });
});

test.each(['gzip, gzip', 'br', 'gzip, '.repeat(2000) + 'gzip'])(
  'an envelope with another coding is not decoded: %#',
  (coding) => {
    const { heard } = exchange(undefined, [...plainHead, 'Content-Encoding', coding]);
    expect(heard).toEqual(['not_understood']);
  },
);
