import { Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import type { ClientExchange } from '../../src/listen/client-exchange.ts';
import { HttpServer, type HttpServerOptions } from '../../src/listen/http-server.ts';
import { onCleanup } from '../support/cleanup.ts';
import { onePool } from '../support/one-pool.ts';
import { RawClient } from '../support/raw-client.ts';

/** Starts a server that passes each request to `serve`, and a client. */
async function start(
  serve: (exchange: ClientExchange) => void,
  options: Partial<HttpServerOptions>,
) {
  const server = new HttpServer(
    {
      ...{ host: '127.0.0.1', port: 0, maxConnections: 10, stallMs: 5000 },
      nameUser: (credentials) => credentials,
      ...{ keepAliveTimeoutMs: 5000, headersTimeoutMs: 5000, requestTimeoutMs: 5000 },
      names: onePool(),
      ...options,
    },
    {
      handle(exchange) {
        exchange.follow();
        serve(exchange);
      },
      refuseExpectation: () => undefined,
      refuseBody: () => undefined,
      refused: () => undefined,
    },
  );
  const client = new RawClient(await server.listen());
  onCleanup(() => {
    void server.close();
    server.destroy();
  });
  const send = (path: string): void =>
    client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`);
  return {
    client,
    send,
    ask: async (): Promise<string> => {
      send('/');
      return (await client.readAnswer()).head;
    },
  };
}

test('the request head of a client is forgotten after a while, even if the client continues to call', async () => {
  const heads = new Set<unknown>();
  const { ask } = await start(
    ({ head, response }) => {
      heads.add(head);
      response.end();
    },
    { headsKeptMs: 20 },
  );
  while (heads.size < 3) await ask();
  expect(heads.size).toBe(3);
});

test('an idle connection is closed a second after its announced keep-alive timeout', async () => {
  const { ask, client } = await start(({ response }) => void response.end(), {
    keepAliveTimeoutMs: 1100,
  });
  expect(await ask()).toMatch(/\r\nConnection: keep-alive\r\nKeep-Alive: timeout=1\r\n/);
  const answeredAtMs = performance.now();
  await client.closed;
  expect(performance.now() - answeredAtMs).toBeGreaterThan(2099);
});

test('a client that read one answer slowly can wait for the next answer beyond the stall timeout', async () => {
  const stallMs = 4000;
  const largeBytes = 8 * 1024 * 1024;
  const { promise: isSlow, resolve: foundSlow } = withResolvers();
  const { client, send } = await start(
    ({ request: { socket, url }, response }) => {
      if (url === '/next') {
        setTimeout(() => response.end(), 1.5 * stallMs);
        return;
      }
      socket.setTimeout = (ms): Socket => {
        if (ms > 0) foundSlow();
        return Socket.prototype.setTimeout.call(socket, ms);
      };
      response.end(Buffer.alloc(largeBytes));
    },
    { stallMs },
  );
  await client.connected;
  client.pause();
  send('/large');
  await isSlow;
  client.resume();
  expect((await client.readAnswer()).body).toHaveLength(largeBytes);
  send('/next');
  expect((await client.readAnswer()).status).toBe(200);
  // A busy machine needs long for the large answer.
}, 60_000);

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
