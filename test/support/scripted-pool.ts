import { createServer, type Socket } from 'node:net';
import { onCleanup } from './cleanup.ts';

/** Handles a request of the scripted pool: writes, ends, destroys, or does nothing. */
export type Script = (request: string, socket: Socket) => void;

export interface ScriptedPool {
  readonly url: string;
  /** Complete requests, in order of arrival. */
  readonly requests: readonly string[];
  /** Resolves when that number of connections that carried requests are closed. */
  untilClosed(count: number): Promise<void>;
}

/** Starts a pool that reads requests of any framing. The script writes the raw answers. */
export async function startScriptedPool(script: Script): Promise<ScriptedPool> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let closed = 0;
  let wake: () => void = () => undefined;
  const server = createServer((socket) => {
    sockets.add(socket);
    let received = '';
    let carried = false;
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      if (carried) closed += 1;
      wake();
    });
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      for (let length = wholeRequest(received); length > 0; length = wholeRequest(received)) {
        const request = received.slice(0, length);
        received = received.slice(length);
        requests.push(request);
        carried = true;
        script(request, socket);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    async untilClosed(count) {
      while (closed < count) await new Promise<void>((resolve) => (wake = resolve));
    },
  };
}

/** Length of the first request in bytes, or 0 if the request is not complete yet. */
function wholeRequest(received: string): number {
  const end = received.indexOf('\r\n\r\n');
  if (end === -1) return 0;
  const head = received.slice(0, end);
  if (/^transfer-encoding: *chunked/im.test(head)) {
    const last = /\r\n0\r\n[^]*?\r\n/.exec(received.slice(end + 2));
    return last === null ? 0 : end + 2 + last.index + last[0].length;
  }
  const body = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  const length = end + 4 + body;
  return received.length >= length ? length : 0;
}
