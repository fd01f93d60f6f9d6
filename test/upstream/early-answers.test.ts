/** A pool that answers a request before it has read the body. */
import { createServer, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { onCleanup } from '../support/cleanup.ts';
import { startProxy } from '../support/proxy.ts';
import { RawClient } from '../support/raw-client.ts';
import { me } from '../support/signing-client.ts';

test('a connection with an unsent part of a request is not used for another request', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.pause();
      const body = sockets.length === 1 ? 'ann' : 'ben';
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n${body}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const large = `${16 * 1024 * 1024}`;
  const proxy = await startProxy(`http://127.0.0.1:${port}`, {
    UCWA_PROXY_BATCHING_MODE: 'off',
    UCWA_PROXY_UPSTREAM_MAX_CONNECTIONS: '1',
    UCWA_PROXY_LIMITS_MAX_CALL_BYTES: large,
    UCWA_PROXY_BATCHING_MAX_BYTES: large,
    UCWA_PROXY_LIMITS_MAX_QUEUED_BYTES: `${4 * Number(large)}`,
    UCWA_PROXY_LIMITS_MAX_QUEUED_BYTES_PER_USER: `${4 * Number(large)}`,
    UCWA_PROXY_UPSTREAM_TIMEOUT_MS: '3000',
  });
  const length = 8 * 1024 * 1024;
  const ann = new RawClient(proxy.port);
  ann.send(
    `POST ${me}/note HTTP/1.1\r\nHost: p\r\nAuthorization: Bearer cwt=ann\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(length)}`,
  );
  expect((await ann.readAnswer()).body.toString()).toBe('ann');
  const ben = new RawClient(proxy.port);
  ben.send(`GET ${me} HTTP/1.1\r\nHost: p\r\nAuthorization: Bearer cwt=ben\r\n\r\n`);
  expect((await ben.readAnswer()).body.toString()).toBe('ben');
  expect(sockets).toHaveLength(2);
});
