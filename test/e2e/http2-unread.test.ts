/** A session that node:http2 ends by itself, while the client reads nothing. */
import { expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Sessions } from '../../src/listen/http2/sessions.ts';
import { onCleanup } from '../support/cleanup.ts';
import { frame, frameType, getFields, headers, RawHttp2, word } from '../support/http2-frames.ts';

/** More than the buffers of a loopback socket hold. */
const answerBytes = 20_000_000;
/** node:http2 ends a session with more than 100 invalid frames. */
const invalidFrames = 150;

test('a client that reads nothing and sends invalid frames loses its connection, and harms nothing', async () => {
  const server = createServer();
  const sessions = new Sessions(server, 'connection', {
    ...{ headersTimeoutMs: 5000, idleTimeoutMs: 60_000, stallMs: 30_000, maxHeadBytes: 10_000_000 },
    ...{ refused: () => undefined, http1: () => undefined, late: () => undefined },
  });
  onCleanup(() => {
    sessions.destroy();
    server.close();
  });
  const closed = new Promise<void>((resolve) => {
    server.on('connection', (socket) => void socket.on('close', () => resolve()));
  });
  server.on('request', (_request, response) => {
    response.writeHead(200, ['content-type', 'text/plain']);
    response.end(Buffer.alloc(answerBytes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  // The window of each stream, and that of the connection, are larger than an answer.
  const client = new RawHttp2(port, [0, 4, 0x7f, 0xff, 0xff, 0xff], false);
  await once(client.socket, 'connect');
  client.socket.pause();
  const gets = Array.from({ length: 32 }, (_, i) => headers(2 * i + 1, getFields('/')));
  client.send(frame(frameType.windowUpdate, 0, 0, word(0x7ff00000)), ...gets);
  // Soon after this node:http2 does not read any more, because too much waits for the client.
  await once(server, 'request');
  const ids = Array.from({ length: invalidFrames }, (_, i) => 101 + 2 * i);
  client.send(...ids.map((id) => headers(id, [...getFields('/'), ['A', 'a']])));
  await closed;
  expect(client.frames).toEqual([]);
});
