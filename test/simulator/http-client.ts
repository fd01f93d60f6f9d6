/** The two clients of the simulator's tests: Node's HTTP client, and a bare socket. */
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

/** The bearer token of a test user, as a header. */
export function bearer(user: string): { Authorization: string } {
  return { Authorization: `Bearer cwt=sim-${user}` };
}

/** One request on a connection of its own; rejects if the answer breaks off. */
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

/** A JSON body, loosely typed for the tests' sake. */
export function json(answer: ClientAnswer): Record<string, unknown> {
  return JSON.parse(answer.body.toString()) as Record<string, unknown>;
}

export interface RawEnding {
  /** All bytes that came. */
  readonly received: Buffer;
  /** How the other side ended: orderly, or with this error code. */
  readonly ending: string;
}

/** Writes these bytes on a fresh connection and reads until the other side ends it. */
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

/** A request as text, for exchangeRaw: one that asks the server to close afterwards. */
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
