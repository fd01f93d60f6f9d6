/** Two clients for tests of the simulator: Node's HTTP client, and a plain socket. */
import http, { type IncomingHttpHeaders } from 'node:http';
import net from 'node:net';

export interface ClientAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

export interface ClientRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly signal?: AbortSignal;
}

/** Returns a header with the bearer token of a test user. */
export function bearer(user: string): { Authorization: string } {
  return { Authorization: `Bearer cwt=sim-${user}` };
}

/** Sends one request on a new connection. Rejects if the answer is incomplete. */
export function send(url: string, request: ClientRequest = {}): Promise<ClientAnswer> {
  const { method = 'GET', headers = {}, body = '', signal } = request;
  const length = body.length > 0 ? { 'Content-Length': Buffer.byteLength(body) } : {};
  return new Promise((resolve, reject) => {
    const outgoing = http.request(url, {
      method,
      headers: { ...length, ...headers },
      agent: false,
      ...(signal ? { signal } : {}),
    });
    outgoing.on('error', reject).on('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('error', reject).on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const { statusCode = 0, headers: fields, rawHeaders } = incoming;
        resolve({ status: statusCode, headers: fields, rawHeaders, body: Buffer.concat(chunks) });
      });
    });
    outgoing.end(body);
  });
}

/** Parses a JSON body. The type is loose, which is convenient in tests. */
export function json(answer: ClientAnswer): Record<string, unknown> {
  return JSON.parse(answer.body.toString()) as Record<string, unknown>;
}

export interface RawEnding {
  /** All received bytes. */
  readonly received: Buffer;
  /** How the other side closed the connection: `orderly`, or an error code. */
  readonly ending: string;
}

/** Writes bytes to a new connection, and reads until the other side closes it. */
export function exchangeRaw(port: number, bytes: string | Buffer): Promise<RawEnding> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let ending = 'end';
    net
      .connect(port, '127.0.0.1', function (this: net.Socket) {
        this.write(bytes);
      })
      .on('data', (chunk) => chunks.push(chunk))
      .on('error', (error: NodeJS.ErrnoException) => (ending = error.code ?? error.message))
      .on('close', () => resolve({ received: Buffer.concat(chunks), ending }));
  });
}

/** Returns a request with `Connection: close` as text, for `exchangeRaw`. */
export function requestText(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
  body = '',
): string {
  const fields = {
    Host: 'pool.test',
    Connection: 'close',
    ...(body === '' ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }),
    ...headers,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}
