import { expect, test } from '@jest/globals';
import type { Asked } from '../../src/core/messages/reply.ts';
import { BatchExchange, type BatchExchangeHost } from '../../src/engine/batch-exchange.ts';
import { aKey, app } from '../support/recording-sink.ts';

const part =
  '\r\n--b\r\nContent-Type: application/http; msgtype=response\r\n\r\nHTTP/1.1 201 Created\r\n\r\nok';

/** A batch of three calls, and the events for its callers, in order. */
function exchange(reserve: BatchExchangeHost['reserve'] = () => true) {
  const heard: string[] = [];
  const asked: Asked[] = [1, 2, 3].map((n) => ({ target: `${app}/me?${n}`, key: aKey('ann') }));
  const batch = new BatchExchange(asked, false, 100_000, {
    answered: () => undefined,
    protocolError: () => undefined,
    reserve,
    part: (index, reply, early) =>
      heard.push(`${index}: ${'status' in reply ? reply.status : 'fault'}${early ? ' early' : ''}`),
    settled: (ending) => heard.push(ending.kind === 'failure' ? ending.cause : ending.kind),
    abort: () => undefined,
  });
  batch.head(200, 'OK', ['Content-Type', 'multipart/batching; boundary=b']);
  return { batch, heard };
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
