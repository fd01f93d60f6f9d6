import type { ServerResponse } from 'node:http';
import { lengthOf, type Reply, type ReplyHead } from '../core/messages/reply.ts';
import type { ClientExchange } from './client-exchange.ts';
import { trySingleWrite } from './single-write-response.ts';

/** Writes a complete answer. Throws for an illegal HTTP answer, before any byte is written. */
export function writeReply(
  exchange: Pick<ClientExchange, 'response' | 'follow' | 'answered'>,
  reply: Reply,
  keepAlive: string,
): void {
  const { response } = exchange;
  // A write after a disconnect would only produce an error event without a listener.
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
