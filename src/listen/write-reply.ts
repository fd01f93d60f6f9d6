import type { ServerResponse } from 'node:http';
import { lengthOf, type Reply, type ReplyHead } from '../core/messages/reply.ts';
import type { ClientExchange } from './client-exchange.ts';
import { trySingleWrite } from './single-write-response.ts';

/** Writes a whole answer. Throws, before anything is written, when it is no legal HTTP answer. */
export function writeReply(
  exchange: Pick<ClientExchange, 'response' | 'follow' | 'answered'>,
  reply: Reply,
  keepAlive: string,
): void {
  const { response } = exchange;
  // To somebody who is gone nothing is written: Node would make an error of it that nobody hears.
  if (response.destroyed) return;
  if (trySingleWrite(response, reply, keepAlive)) {
    if (response.writableLength === 0) exchange.answered();
    else exchange.follow();
    return;
  }
  exchange.follow();
  const length = lengthOf(reply);
  const fields = length === undefined ? [] : ['Content-Length', String(length)];
  writeHead(response, { ...reply, headers: [...reply.headers, ...fields] });
  response.end(reply.body.length === 0 ? undefined : reply.body);
}

export function writeHead(response: ServerResponse, head: ReplyHead): void {
  const headers = head.headers as string[];
  if (head.reason === '') response.writeHead(head.status, headers);
  else response.writeHead(head.status, head.reason, headers);
}
