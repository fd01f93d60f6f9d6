import { createServer, type Socket } from 'node:net';
import { onCleanup } from './cleanup.ts';

/** Starts a server that reads all bytes and never answers. `closed` resolves when a connection closes. */
export async function startByteSink(): Promise<{
  readonly port: number;
  readonly received: () => number;
  readonly closed: Promise<void>;
}> {
  const sockets = new Set<Socket>();
  let received = 0;
  let hasClosed: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => (hasClosed = resolve));
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => (received += bytes.length));
    socket.on('close', () => hasClosed());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, received: () => received, closed };
}
