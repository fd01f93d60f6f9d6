import { createServer, type IncomingMessage } from 'node:http';
import { onCleanup } from './cleanup.ts';

/** The report of a pool about a request, which is also the body of its answer. */
export interface Said {
  readonly pool: string;
  readonly target: string;
  /** The `Host` of the request, or of the envelope. */
  readonly host: string;
  /** The `Host` of the part; `undefined` outside of a batch. */
  readonly partHost: string | undefined;
}

export interface NamedPoolServer {
  readonly url: string;
  /** The authority of `url`. */
  readonly authority: string;
  /** Heads of the requests in order of arrival, as raw lists of fields. */
  readonly heads: ReadonlyArray<readonly string[]>;
  /** Bodies of the requests in order of arrival. */
  readonly bodies: readonly string[];
  /** Answers the requests from now on. The default answers them all with what the pool saw. */
  answer: (request: IncomingMessage, body: string) => Promise<{ status: number }> | undefined;
}

/** Starts a pool that answers each request, and each part of a batch, with its own name and what it saw. */
export async function startNamedPool(pool: string): Promise<NamedPoolServer> {
  const heads: Array<readonly string[]> = [];
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('latin1');
      heads.push(request.rawHeaders);
      bodies.push(body);
      void Promise.resolve(started.answer(request, body)).then((own) => {
        if (own !== undefined) {
          response.writeHead(own.status, { 'Content-Length': 0, 'Retry-After': 30 }).end();
          return;
        }
        const { host = '' } = request.headers;
        const type = request.headers['content-type'] ?? '';
        const boundary = /multipart\/batching;boundary=(.+)$/.exec(type)?.[1];
        if (boundary === undefined) {
          const said: Said = { pool, target: request.url ?? '', host, partHost: undefined };
          response.setHeader('Content-Type', 'application/json');
          response.end(JSON.stringify(said));
          return;
        }
        response.setHeader('Content-Type', 'multipart/batching; boundary="answer"');
        response.end(answerToBatch(pool, host, body, boundary));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const authority = `127.0.0.1:${address.port}`;
  const started: NamedPoolServer = {
    ...{ url: `http://${authority}`, authority, heads, bodies },
    answer: () => undefined,
  };
  return started;
}

function answerToBatch(pool: string, host: string, body: string, boundary: string): string {
  const parts = body.split(`--${boundary}`).slice(1, -1);
  const answers = parts.map((part) => {
    const [, target = ''] = /^[A-Z]+ (\S+) HTTP\/1\.1\r$/m.exec(part) ?? [];
    const said: Said = { pool, target, host, partHost: /^Host: (.*)\r$/m.exec(part)?.[1] };
    const json = JSON.stringify(said);
    return (
      '--answer\r\nContent-Type: application/http; msgtype=response\r\n\r\n' +
      `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${json.length}\r\n\r\n${json}\r\n`
    );
  });
  return `${answers.join('')}--answer--\r\n`;
}
