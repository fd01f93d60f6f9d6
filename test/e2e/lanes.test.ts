import { expect, test } from '@jest/globals';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { app, UcwaClient } from '../support/ucwa-client.ts';

test('a slow route gets requests of its own, and the quick calls do not wait for the slow one', async () => {
  const pool = await startPool({ latency: 2 });
  const slow = `${app}/me/location`;
  pool.faults.add({ on: { target: slow }, times: Infinity, fault: { kind: 'delay', ms: 100 } });
  const proxy = await startProxy(pool.url);
  const client = new UcwaClient(proxy.url);
  const explain = { headers: { 'X-Ucwa-Batch': 'explain' } };
  const order: string[] = [];
  const ask = async (target: string): Promise<string> => {
    const { status, headers } = await client.ask(target, explain);
    expect(status).toBe(200);
    order.push(target);
    return String(headers['x-ucwa-batch']);
  };
  const quick = (round: number): string[] =>
    Array.from({ length: 6 }, (_, i) => `${app}/me/note?${round}-${i}`);
  for (let round = 0; round < 46; round += 1) {
    await Promise.all([...quick(round), ...(round % 2 === 0 ? [slow] : [])].map(ask));
  }
  order.length = 0;
  const [alone, ...others] = await Promise.all([slow, ...quick(46)].map(ask));
  expect(alone).toContain('parts=1;');
  expect(others.filter((other) => !other.includes('parts=1;')).length).toBeGreaterThan(1);
  expect(order.at(-1)).toBe(slow);
});
