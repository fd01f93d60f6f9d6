/** A pool that answers each request of an attack as slowly, or with as much, as the path says. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onCleanup } from './cleanup.ts';

const large = Buffer.alloc(8 * 1024 * 1024, 'l');
const small = Buffer.from('{}');

interface DoorPool {
  readonly url: string;
}

/** `…/large` is answered with 8 MiB, `…/parked?ms=N` after N ms, anything else at once. */
export async function startDoorPool(): Promise<DoorPool> {
  const server = createServer((request, response) => {
    request.resume();
    const answer = (body: Buffer): void => {
      response.setHeader('Content-Type', 'application/json');
      response.end(body);
    };
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://pool');
    if (pathname.endsWith('/large')) answer(large);
    else if (pathname.endsWith('/parked')) {
      const timer = setTimeout(() => answer(small), Number(searchParams.get('ms')));
      response.once('close', () => clearTimeout(timer));
    } else request.once('end', () => answer(small));
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}` };
}
