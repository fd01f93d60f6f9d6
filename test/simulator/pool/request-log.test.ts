import { expect, test } from '@jest/globals';
import { BoundedMap } from '../../../src/simulator/pool/bounded.ts';
import { Ledger } from '../../../src/simulator/pool/request-log.ts';

const MiB = 1024 * 1024;

test('a ledger keeps the last executions, and drops the nonces of older ones', () => {
  const ledger = new Ledger({ maxEntries: 10, maxRequests: 1, maxBytes: 1 });
  for (let nonce = 1; nonce <= 25; nonce++) {
    ledger.ran({
      ...{ user: 'ann', credential: 'bearer', application: '1', method: 'GET', via: 'single' },
      ...{ target: `/x?nonce=${nonce}`, requestId: 1, batchId: undefined, position: undefined },
      ...{ status: 200, headers: [] },
    });
  }
  expect(ledger.entries().map(({ nonce }) => nonce)).toEqual(
    Array.from({ length: 10 }, (_, i) => String(i + 16)),
  );
  expect(ledger.executions('10')).toEqual([]);
  expect(ledger.executions('16')).toHaveLength(1);
});

test('a ledger keeps the last requests', () => {
  const ledger = new Ledger({ maxEntries: 1, maxRequests: 10, maxBytes: 1 });
  for (let i = 1; i <= 25; i++) ledger.received('GET', `/${i}`, []);
  expect(ledger.requests()).toHaveLength(10);
  expect(ledger.requests()[0]?.target).toBe('/16');
});

test('a ledger keeps 1 MiB of each body, and a limited number of bytes of all bodies', () => {
  const ledger = new Ledger({ maxEntries: 1, maxRequests: 100, maxBytes: 4 * MiB });
  for (let i = 1; i <= 10; i++) {
    const record = ledger.received('POST', `/${i}`, []);
    ledger.receivedBody(record, Buffer.alloc(MiB - 1));
    ledger.receivedBody(record, Buffer.alloc(MiB));
    expect([record.bodyBytes, record.body.length]).toEqual([2 * MiB - 1, MiB]);
  }
  expect(ledger.requests().length).toBeLessThanOrEqual(4);
  expect(ledger.requests().at(-1)?.target).toBe('/10');
});

test('a bounded map drops its oldest entry only for a new key', () => {
  const map = new BoundedMap<string, number>(2);
  map.set('a', 1).set('b', 2).set('a', 3);
  expect([...map.keys()]).toEqual(['a', 'b']);
  expect([...map.set('c', 4).keys()]).toEqual(['b', 'c']);
});
