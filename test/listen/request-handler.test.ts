import type { IncomingMessage } from 'node:http';
import { expect, test } from '@jest/globals';
import type { ResponseCaller } from '../../src/listen/response-caller.ts';
import { startDoctoredProxy } from '../support/doctored-proxy.ts';
import { startPool } from '../support/pool.ts';
import { RawClient } from '../support/raw-client.ts';
import { app } from '../support/ucwa-client.ts';

test('waiting calls of one connection share one copy of their request head', async () => {
  const pool = await startPool();
  const requests: IncomingMessage[] = [];
  const proxy = await startDoctoredProxy(pool.url, {
    submit: (submit) => (arrival) => {
      requests.push((arrival.caller as ResponseCaller).exchange.request);
      return submit(arrival);
    },
  });
  const client = new RawClient(proxy.port);
  const fields = 'Host: p\r\nAuthorization: Bearer cwt=sim-ann';
  const get = (n: number): string => `GET ${app}/me/note?n=${n} HTTP/1.1\r\n${fields}\r\n\r\n`;
  client.send(get(1) + get(2) + get(3));
  for (let n = 1; n <= 3; n += 1) expect((await client.readAnswer()).status).toBe(200);
  const [first, ...others] = requests.map(({ rawHeaders }) => rawHeaders);
  expect(first).toContain('Bearer cwt=sim-ann');
  expect(others).toHaveLength(2);
  for (const headers of others) expect(headers).toBe(first);
  expect(requests.map(({ headers }) => headers)).toEqual([{}, {}, {}]);
});
