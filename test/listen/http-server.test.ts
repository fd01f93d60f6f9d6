import { expect, test } from '@jest/globals';
import type { ClientExchange } from '../../src/listen/connections.ts';
import { HttpServer, type HttpServerOptions } from '../../src/listen/http-server.ts';
import { onCleanup } from '../support/cleanup.ts';
import { RawClient } from '../support/raw-client.ts';

/** Answers each request at once, and hands it over. */
async function start(
  request: (exchange: ClientExchange) => void,
  options: Partial<HttpServerOptions>,
) {
  const server = new HttpServer(
    {
      ...{ host: '127.0.0.1', port: 0, maxConnections: 10, stallMs: 5000 },
      ...{ keepAliveTimeoutMs: 5000, headersTimeoutMs: 5000, requestTimeoutMs: 5000 },
      ...options,
    },
    {
      request(exchange) {
        exchange.follow();
        request(exchange);
        exchange.response.end();
      },
      expectation: () => undefined,
      refused: () => undefined,
    },
  );
  const client = new RawClient(await server.listen());
  onCleanup(() => {
    void server.close();
    server.destroy();
  });
  return {
    async ask(): Promise<void> {
      client.send('GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n');
      await client.readAnswer();
    },
  };
}

test('what a client says of itself is forgotten after a while, though it goes on calling', async () => {
  const heads = new Set<unknown>();
  const client = await start(({ head }) => heads.add(head), { headsKeptMs: 20 });
  while (heads.size < 3) await client.ask();
  expect(heads.size).toBe(3);
});
