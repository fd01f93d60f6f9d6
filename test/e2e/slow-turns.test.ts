/** A call waits for its turn, or for an earlier write of its connection, and its body stops meanwhile. */
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

test('a pipelined write is reported once, as refused, if its body stops before its turn', async () => {
  let answer: () => void = () => undefined;
  const pool = await startScriptedPool((_request, socket) => {
    answer = () => void socket.write('HTTP/1.1 204 No Content\r\n\r\n');
  });
  const proxy = await startProxy(pool.url, {
    UCWA_PROXY_BATCHING_MODE: 'off',
    UCWA_PROXY_LISTEN_HEADERS_TIMEOUT_MS: timeoutMs,
    UCWA_PROXY_LISTEN_REQUEST_TIMEOUT_MS: timeoutMs,
  });
  const client = new RawClient(proxy.port);
  const write = (length: number): string =>
    [
      `PUT ${me}/note HTTP/1.1`,
      'Host: p',
      'X-MS-WebTicket: junk-1',
      'X-Ucwa-Batch: never',
      `Content-Length: ${length}`,
      ...['', ''],
    ].join('\r\n');
  client.send(`${write(1)}x${write(9)}`);
  await proxy.untilMetric('ucwa_proxy_refused_total{reason="slow_request"}', (n) => n === 1);
  answer();

  expect((await client.readAnswer()).status).toBe(204);
  expect((await client.readAnswer()).status).toBe(408);
  await client.closed;
  await proxy.untilMetric('ucwa_proxy_connections{side="client"}', (open) => open === 0);
  const metrics = await proxy.metrics();
  expect(metrics.get('ucwa_proxy_passthrough_total{reason="opt_out"}')).toBe(1);
  expect(metrics.get('ucwa_proxy_refused_total{reason="slow_request"}')).toBe(1);
  expect(metrics.get('ucwa_proxy_client_aborts_total{stage="passthrough"}')).toBe(0);
  expect(proxy.log.filter((line) => line.includes('"msg":"call"'))).toHaveLength(2);
  expect(pool.requests).toHaveLength(1);
});
