/** A call of a new user waits for its turn, and its body stops meanwhile. */
import { expect, test } from '@jest/globals';
import { startProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { startScriptedPool } from '../support/scripted-pool.ts';
import { me } from '../support/signing-client.ts';

const timeoutMs = '400';

test('a write that waits for its turn is reported once, as refused, if its body stops', async () => {
  const pool = await startScriptedPool(() => undefined);
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'off',
    UCWA_PROXY_BATCHING_MAX_PARTS: '2',
    UCWA_PROXY_UPSTREAM_MAX_CONNECTIONS: '4',
    UCWA_PROXY_LISTEN_HEADERS_TIMEOUT_MS: timeoutMs,
    UCWA_PROXY_LISTEN_REQUEST_TIMEOUT_MS: timeoutMs,
  });
  const send = (line: string, user: number, ...fields: string[]): RawClient => {
    const client = new RawClient(proxy.port);
    const ticket = `X-MS-WebTicket: junk-${user}`;
    client.send([`${line} HTTP/1.1`, 'Host: p', ticket, ...fields, '', ''].join('\r\n'));
    return client;
  };
  // Two calls of new users use the slots of their address, so the third one waits.
  for (const user of [1, 2, 3]) send(`GET ${me}`, user);
  await proxy.untilMetric(
    'ucwa_proxy_held_calls',
    (held) => held === 1 && pool.requests.length === 2,
  );
  const writer = send(`PUT ${me}/note`, 3, 'X-Ucwa-Batch: never', 'Content-Length: 9');
  await proxy.untilMetric('ucwa_proxy_held_calls', (held) => held === 2);

  expect(await writer.readAll()).toMatch(/^HTTP\/1\.1 408 /);
  await proxy.untilMetric('ucwa_proxy_connections{side="client"}', (open) => open === 3);
  const metrics = await proxy.metrics();
  expect(metrics.get('ucwa_proxy_held_calls')).toBe(1);
  expect(metrics.get('ucwa_proxy_refused_total{reason="slow_request"}')).toBe(1);
  expect(metrics.get('ucwa_proxy_client_aborts_total{stage="passthrough"}')).toBe(0);
  expect(proxy.log.filter((line) => line.includes('"msg":"call"'))).toHaveLength(1);
  expect(pool.requests).toHaveLength(2);
});
