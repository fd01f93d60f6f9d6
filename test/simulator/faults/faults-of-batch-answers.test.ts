import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import type { Fault } from '../../../src/simulator/faults/fault.ts';
import { messagesIn, statusesIn } from '../batch/batch-text.ts';
import { pool, sendBatch } from '../each-pool.ts';

describe('a fault can give a batch answer', () => {
  test('fewer or more parts', async () => {
    expect(statusesIn(await sendBatch({ kind: 'fewerParts', count: 1 }))).toEqual([200, 204]);
    expect(statusesIn(await sendBatch({ kind: 'moreParts', count: 2 }))).toEqual([
      200, 204, 200, 200, 200,
    ]);
    expect(pool.ledger.entries()).toHaveLength(6);
  });

  test('a malformed part', async () => {
    const usual = messagesIn(await sendBatch({ kind: 'malformedPart', index: 1 }));
    expect(usual[1]).toBe('this is not an HTTP message');
    const own = messagesIn(
      await sendBatch({ kind: 'malformedPart', index: 2, message: 'HTTP/1.1 abc\r\n\r\n' }),
    );
    expect(own[2]).toBe('HTTP/1.1 abc\r\n\r\n');
  });

  test('no boundary', async () => {
    expect((await sendBatch({ kind: 'noBoundary' })).headers['content-type']).toBe(
      'multipart/batching',
    );
  });

  test('no close delimiter, or an ordinary delimiter instead', async () => {
    expect((await sendBatch({ kind: 'noCloseDelimiter' })).body.toString()).toMatch(
      /"rel":"note"\}\r\n$/,
    );
    expect((await sendBatch({ kind: 'noCloseDelimiter', bare: true })).body.toString()).toMatch(
      /\}\r\n--[0-9a-f-]{36}\r\n$/,
    );
  });

  test('another order of parts', async () => {
    const order = async (fault: Fault) =>
      messagesIn(await sendBatch(fault)).map((text) => /"rel":"(\w+)"\}$/.exec(text)?.[1]);
    expect(await order({ kind: 'permute' })).toEqual(['note', undefined, 'me']);
    expect(await order({ kind: 'permute', order: [1, 0, 2] })).toEqual([undefined, 'me', 'note']);
  });

  test('bare LFs', async () => {
    const { body } = await sendBatch({ kind: 'bareLf' });
    expect(body.includes('\r')).toBe(false);
    expect(body.toString()).toMatch(
      /^--[0-9a-f-]{36}\nContent-Type: application\/http; msgtype=response\n\nHTTP\/1\.1 200 OK\n/,
    );
  });

  test('additional fields in one or all parts', async () => {
    const fault = {
      kind: 'partHeaders',
      headers: ['ETag', '"7"', 'Transfer-Encoding', 'chunked'],
    } as const;
    const all = messagesIn(await sendBatch(fault));
    expect(
      all.filter((text) => text.includes('\r\nETag: "7"\r\nTransfer-Encoding: chunked\r\n')),
    ).toHaveLength(3);
    pool.faults.add({ on: { kind: 'part', method: 'POST' }, fault });
    const one = messagesIn(await sendBatch());
    expect(one.map((text) => text.includes('ETag'))).toEqual([false, true, false]);
  });

  test('several mistakes, from one rule', async () => {
    const answer = await sendBatch(
      { kind: 'fewerParts', count: 2 },
      { kind: 'gzip' },
      { kind: 'delay', ms: 1 },
    );
    expect(statusesIn({ ...answer, body: gunzipSync(answer.body) })).toEqual([200]);
  });
});
