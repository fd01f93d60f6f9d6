/** A pass-through in front of several servers, and the servers. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { PassThroughOptions } from '../../src/pass-through/pass-through.ts';
import { PoolServers } from '../../src/upstream/servers/pool-servers.ts';
import { type Front, type Rig, ask } from './rig.ts';

export const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
export const down = 'HTTP/1.1 503 Down\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nno';

export interface Started extends Front {
  readonly pool: PoolServers;
  readonly log: readonly string[];
}

export async function front(
  rig: Rig,
  ports: readonly number[],
  options: Partial<PassThroughOptions> = {},
  scheme: 'http' | 'https' = 'http',
): Promise<Started> {
  const log: string[] = [];
  const name = (origin: string): string => `s${ports.indexOf(Number(new URL(origin).port))}`;
  const pool = new PoolServers(
    {
      servers: ports.map((port) => `${scheme}://127.0.0.1:${port}`),
      fallback: [],
      hasChecks: false,
    },
    {
      ejected: (origin, reason) => log.push(`${name(origin)} out: ${reason}`),
      returned: (origin) => log.push(`${name(origin)} back`),
      tierChanged: (tier) => log.push(`tier: ${tier}`),
    },
  );
  rig.onClose(() => pool.stop());
  const upstream = new URL(`${scheme}://127.0.0.1:${ports[0]}`);
  const started = await rig.front(upstream, { servers: pool, ...options });
  return { ...started, pool, log };
}

/** @param field a field of the request, for example `X-User: ann` (see `Rig.front`) */
export const get = (path = '/', field = 'Connection: close'): string =>
  `GET ${path} HTTP/1.1\r\nHost: p\r\n${field}\r\nConnection: close\r\n\r\n`;
export const post = (body: string): string =>
  `POST / HTTP/1.1\r\nHost: p\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

export async function askOften(count: number, port: number, request: string): Promise<string[]> {
  const answers: string[] = [];
  for (let n = 0; n < count; n += 1) answers.push((await ask(port, request)).slice(9, 12));
  return answers;
}

/** A server that ends each connection at the first request. */
export async function resetting(rig: Rig): Promise<{ port: number; requests: () => number }> {
  let requests = 0;
  const { port } = await rig.rawPool((socket) =>
    socket.once('data', () => {
      requests += 1;
      socket.resetAndDestroy();
    }),
  );
  return { port, requests: () => requests };
}

/** A server that reads and does not answer. */
export async function silent(
  rig: Rig,
): Promise<{ port: number; untilRequest: () => Promise<void> }> {
  let wake: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => (wake = resolve));
  const { port } = await rig.rawPool((socket) => socket.on('data', () => wake()));
  return { port, untilRequest: () => asked };
}

const file = (name: string): Buffer =>
  readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url));
export const ca = file('ca.pem');
/** The address of the servers is 127.0.0.1, and the settings name `localhost`. */
export const secure = { tls: () => ({ ca, servername: 'localhost' }) };

/** A server with TLS. `names`: the server name that each client asked for. */
export async function tlsPool(rig: Rig): Promise<{ port: number; names: unknown[] }> {
  const names: unknown[] = [];
  const server = https.createServer(
    { cert: file('server.pem'), key: file('server.key') },
    (request, response) => {
      names.push((request.socket as TLSSocket & { servername?: unknown }).servername);
      response.end('ok');
    },
  );
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  rig.onClose(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, names };
}
