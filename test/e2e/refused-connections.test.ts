/** The proxy closes a connection after a refused request, even if the client does not. */
import { expect, test } from '@jest/globals';
import { startPool } from '../support/pool.ts';
import { startProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';

const clients = 'ucwa_proxy_connections{side="client"}';

test.each([
  ['half a head', 'GET / HTTP/1.1\r\nHost: p\r\nX-', 408],
  ['nothing', '', 408],
  ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', 501],
  ['what is no HTTP', 'hello\r\n\r\n', 400],
  ['a head that is too long', `GET / HTTP/1.1\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`, 431],
])('a client that sends %s and never closes loses its connection', async (_, bytes, status) => {
  const proxy = await startProxy((await startPool()).url, {
    UCWA_PROXY_LISTEN_HEADERS_TIMEOUT_MS: '200',
  });
  const client = new RawClient(proxy.port);
  client.stayOpen();
  await client.connected;
  client.send(bytes);
  expect((await client.readAnswer()).status).toBe(status);
  await proxy.untilMetric(clients, (open) => open === 0);
});
