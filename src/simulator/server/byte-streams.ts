/**
 * Resources outside UCWA, for tests of large bodies:
 *
 * - `POST /simulator/echo` streams the body back
 * - `GET /simulator/bytes?n=<count>` streams bytes; the byte at index i is i mod 251
 * - `POST /simulator/sink` answers with the number of received bytes and their SHA-256
 */
import { createHash } from 'node:crypto';
import { type FlatHeaders, headerValue } from '../representation/headers.ts';
import type { Reply } from './reply.ts';

/** A request with a body that has not been read. */
export interface StreamRequest {
  readonly method: string;
  readonly name: string;
  readonly query: URLSearchParams;
  readonly headers: FlatHeaders;
  readonly body: AsyncIterable<Buffer>;
}

const period = 251;
const block = Buffer.from(Array.from({ length: period * 256 }, (_, i) => i % period));

const octets = 'application/octet-stream';

async function echo({ headers, body }: StreamRequest, reply: Reply): Promise<void> {
  await reply.head(200, ['Content-Type', headerValue(headers, 'content-type') ?? octets]);
  for await (const chunk of body) await reply.write(chunk);
  reply.end();
}

async function bytes({ query }: StreamRequest, reply: Reply): Promise<void> {
  const count = Number(query.get('n') ?? 0);
  await reply.head(200, ['Content-Type', octets, 'Content-Length', String(count)]);
  // A block has whole periods, so every block begins with byte 0.
  for (let left = count; left > 0 && !reply.isOver; left -= block.length) {
    await reply.write(block.subarray(0, left));
  }
  reply.end();
}

async function sink({ body }: StreamRequest, reply: Reply): Promise<void> {
  const hash = createHash('sha256');
  let count = 0;
  for await (const chunk of body) {
    hash.update(chunk);
    count += chunk.length;
  }
  const answer = Buffer.from(JSON.stringify({ bytes: count, sha256: hash.digest('hex') }));
  const type = ['Content-Type', 'application/json; charset=utf-8'];
  await reply.head(200, [...type, 'Content-Length', String(answer.length)]);
  await reply.write(answer);
  reply.end();
}

/** Answers with the stream of this method and name. Resolves to false if there is none. */
export async function runStream(request: StreamRequest, reply: Reply): Promise<boolean> {
  switch (`${request.method} ${request.name}`) {
    case 'POST echo':
      await echo(request, reply);
      return true;
    case 'GET bytes':
      await bytes(request, reply);
      return true;
    case 'POST sink':
      await sink(request, reply);
      return true;
    default:
      return false;
  }
}
