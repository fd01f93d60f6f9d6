/** A pool with absolute links to its own name in every place where real pools have them. It answers as scripted. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onCleanup } from './cleanup.ts';
import { startProxy, type TestProxy } from './proxy.ts';
import { type RawAnswer, RawClient } from './raw-client.ts';

interface LinkAnswer {
  readonly status?: number;
  /** Names and values by turns. */
  readonly headers?: readonly string[];
  readonly body?: string | Buffer;
  /** Whether the body is sent in chunks, without a length. */
  readonly chunked?: boolean;
  /** Whether the connection closes after the body. */
  readonly breaksOff?: boolean;
}

/** Returns the answer to a request. `origin` is the pool's own origin. */
export type Script = (request: IncomingMessage, origin: string) => LinkAnswer;

interface LinkingPool {
  readonly url: string;
  readonly port: number;
  /** Local ports of all peers that have connected. */
  readonly peers: readonly number[];
  /** The requests so far, as `METHOD target`. */
  readonly requests: readonly string[];
  /** The fields of the last request. */
  readonly lastHeaders: () => IncomingMessage['headers'];
}

async function startLinkingPool(script: Script): Promise<LinkingPool> {
  const peers: number[] = [];
  const requests: string[] = [];
  let last: IncomingMessage['headers'] = {};
  const server: Server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    last = request.headers;
    request.resume();
    request.on('end', () => {
      const { status = 200, headers = [], body = '', chunked, breaksOff } = script(request, url());
      const bytes = Buffer.from(body);
      const hasLength = chunked !== true && breaksOff !== true && status !== 204 && status !== 304;
      const length = hasLength ? ['Content-Length', String(bytes.length)] : [];
      response.writeHead(status, [...headers, ...length]);
      if (breaksOff === true) {
        response.write(bytes, () => request.socket.destroy());
        return;
      }
      if (chunked === true) for (const byte of bytes) response.write(Buffer.of(byte));
      else if (request.method !== 'HEAD') response.write(bytes);
      response.end();
    });
  });
  server.on('connection', (socket: Socket) => {
    peers.push(socket.remotePort ?? 0);
    socket.on('error', () => undefined);
  });
  const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { url: url(), port, peers, requests, lastHeaders: () => last };
}

interface Asked {
  readonly method?: string;
  /** The value of `Host`. The default is the address of the proxy. */
  readonly host?: string;
  readonly body?: string;
}

export interface Links {
  readonly pool: LinkingPool;
  readonly proxy: TestProxy;
  /** The origin of the proxy. */
  readonly own: string;
  /** Sends a request to the proxy, with further lines of its head. */
  readonly ask: (target: string, lines?: readonly string[], asked?: Asked) => Promise<RawAnswer>;
  /** Returns the count of a kind of links. */
  readonly count: (kind: string) => Promise<number | undefined>;
}

/** Starts a scripted pool, and the proxy in front of it. `env` contains settings as environment variables. */
export async function startLinks(
  script: Script,
  env: Readonly<Record<string, string>> = {},
): Promise<Links> {
  const pool = await startLinkingPool(script);
  const proxy = await startProxy(pool.url, env);
  return {
    pool,
    proxy,
    own: proxy.url,
    ask(target, lines = [], { method = 'GET', host = `127.0.0.1:${proxy.port}`, body = '' } = {}) {
      const client = new RawClient(proxy.port);
      const length = method === 'POST' ? [`Content-Length: ${body.length}`] : [];
      const head = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...length, ...lines];
      client.send(`${head.join('\r\n')}\r\n\r\n${body}`);
      return client.readAnswer();
    },
    async count(kind) {
      const series = `ucwa_proxy_rewritten_links_total{kind="${kind}"}`;
      return (await proxy.metrics()).get(series);
    },
  };
}
