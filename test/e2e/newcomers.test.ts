/** Users that the pool has never answered share one allowance for each client address. */
import { expect, test } from '@jest/globals';
import { me, webTicket } from '../support/signing-client.ts';
import { startProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A pool that answers what says `answered`, and nothing else. */
async function start(env: Readonly<Record<string, string>> = {}) {
  const pool = await startScriptedPool((request, socket) => {
    if (request.includes('answered')) socket.write(ok);
  });
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'off',
    UCWA_PROXY_LIMITS_MAX_QUEUED_CALLS_PER_USER: '5',
    ...env,
  });
  const send = (address: string, target: string, ...fields: string[]): RawClient => {
    const client = new RawClient(proxy.port, address);
    client.send([`GET ${target} HTTP/1.1`, 'Host: p', ...fields, '', ''].join('\r\n'));
    return client;
  };
  const ask = async (...asked: Parameters<typeof send>): Promise<number> =>
    (await send(...asked).readAnswer()).status;
  return { pool, proxy, send, ask };
}

const token = 'Authorization: Bearer cwt=ann';
const junk = (n: number): string => `X-MS-WebTicket: junk-${n}`;

test('a new ticket beside a valid token brings no caps of its own', async () => {
  const { pool, proxy, send, ask } = await start();
  for (let n = 0; n < 5; n += 1) send('127.0.0.2', me, token, junk(n));
  await proxy.untilMetric('ucwa_proxy_held_calls', () => pool.requests.length === 5);
  expect(await ask('127.0.0.2', me, token, junk(6))).toBe(429);
  expect(await ask('127.0.0.2', webTicket, token, junk(7))).toBe(429);
  // Another address has an allowance of its own.
  expect(await ask('127.0.0.3', `${me}?answered`, token, junk(8))).toBe(200);
  // So has a user whom the pool knows, whatever comes from the same address.
  expect(await ask('127.0.0.2', `${me}?answered`, token, junk(8))).toBe(200);
});

test('calls without a credential have it too', async () => {
  const { pool, proxy, send, ask } = await start();
  for (let n = 0; n < 5; n += 1) send('127.0.0.2', webTicket);
  await proxy.untilMetric('ucwa_proxy_held_calls', () => pool.requests.length === 5);
  expect(await ask('127.0.0.2', '/answered')).toBe(429);
  expect(await ask('127.0.0.3', '/answered')).toBe(200);
});

test('what is over gives its part back', async () => {
  const { ask } = await start();
  for (let n = 0; n < 20; n += 1) expect(await ask('127.0.0.2', '/answered', junk(n))).toBe(200);
});

test('behind a trusted proxy the address counts that it names', async () => {
  const { pool, proxy, send, ask } = await start({
    UCWA_PROXY_LISTEN_TRUSTED_PROXIES: '127.0.0.2/32',
  });
  const from = (client: string): string => `X-Forwarded-For: 6.6.6.6, ${client}`;
  for (let n = 0; n < 5; n += 1) send('127.0.0.2', webTicket, from('10.0.0.1'));
  await proxy.untilMetric('ucwa_proxy_held_calls', () => pool.requests.length === 5);
  expect(await ask('127.0.0.2', '/answered', from('10.0.0.1'))).toBe(429);
  expect(await ask('127.0.0.2', '/answered', from('10.0.0.2'))).toBe(200);
});
