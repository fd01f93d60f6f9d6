/**
 * A pool that signs in connections, as IIS does by default. A completed handshake signs in the
 * connection. Each later request on this connection is answered for the signed-in user, without a
 * credential.
 *
 * The handshake uses words in place of messages: `NTLM T1` is answered with 401 and `NTLM T2`,
 * `NTLM T3-alice` with 200. `test/failures/sign-in` tests real handshakes.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { onCleanup } from './cleanup.ts';

/** The pool's report about a request. */
export interface SignedInAs {
  /** The user who is signed in on the connection. */
  readonly user: string | null;
  /** The credential of the request itself, unless it is a handshake message. */
  readonly bearer: string | null;
  readonly connection: number;
  readonly via: string | null;
}

interface PoolConnection {
  readonly number: number;
  user: string | null;
  requests: number;
  isOpen: boolean;
}

export interface SigningPool {
  readonly url: string;
  readonly connections: readonly PoolConnection[];
  /** Number of requests that carried a handshake message. */
  readonly handshakes: number;
  /** Resolves when that number of connections are open. */
  untilOpen(count: number): Promise<void>;
}

export interface SigningPoolOptions {
  /** Challenges of a 401 at `/WebTicket`, one per field. */
  readonly challenges?: readonly string[];
}

/** The pool never answers a request with this path. */
export const unanswered = '/abs/unanswered';

const message = /^(ntlm|negotiate|nego2)[ \t]+(T1|T3-(\w+))$/i;

export async function startSigningPool(options: SigningPoolOptions = {}): Promise<SigningPool> {
  const { challenges = ['Negotiate', 'NTLM'] } = options;
  const connections: PoolConnection[] = [];
  const ofSocket = new WeakMap<Socket, PoolConnection>();
  let handshakes = 0;
  let wake: () => void = () => undefined;
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const connection = ofSocket.get(request.socket);
    if (connection === undefined) throw new Error('an unknown connection');
    connection.requests += 1;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answer(connection, request, response, Buffer.concat(chunks)));
  });
  server.on('connection', (socket: Socket) => {
    const connection = { number: connections.length, user: null, requests: 0, isOpen: true };
    connections.push(connection);
    ofSocket.set(socket, connection);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      connection.isOpen = false;
      wake();
    });
    wake();
  });

  function answer(
    connection: PoolConnection,
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
  ): void {
    const { authorization } = request.headers;
    const part = message.exec(authorization ?? '');
    if (part !== null) {
      handshakes += 1;
      const scheme = part[1] ?? '';
      if (part[3] === undefined) {
        response.writeHead(401, { 'WWW-Authenticate': `${scheme} T2`, 'Content-Length': 0 }).end();
        return;
      }
      connection.user = part[3];
      response.setHeader('Persistent-Auth', 'true');
    }
    if (request.url === unanswered) return;
    const isTicket = request.url?.startsWith('/WebTicket') === true;
    if (isTicket && connection.user === null) {
      response.writeHead(401, { 'WWW-Authenticate': [...challenges], 'Content-Length': 0 }).end();
      return;
    }
    const said: SignedInAs = {
      user: connection.user,
      bearer: part === null ? (authorization ?? null) : null,
      connection: connection.number,
      via: request.headers.via ?? null,
    };
    const json = JSON.stringify(said);
    if (request.url?.endsWith('/batch') === true) answerBatch(response, body, json);
    else response.writeHead(200, { 'Content-Type': 'application/json' }).end(json);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    connections,
    get handshakes() {
      return handshakes;
    },
    async untilOpen(count) {
      while (connections.filter(({ isOpen }) => isOpen).length !== count) {
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}

/** Sends the same body in each part. */
function answerBatch(response: ServerResponse, body: Buffer, json: string): void {
  const parts = body.toString('latin1').split('msgtype=request').length - 1;
  const part =
    '--b\r\nContent-Type: application/http; msgtype=response\r\n\r\n' +
    `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${json.length}\r\n\r\n${json}\r\n`;
  response
    .writeHead(200, { 'Content-Type': 'multipart/batching; boundary=b' })
    .end(`${part.repeat(parts)}--b--\r\n`);
}
