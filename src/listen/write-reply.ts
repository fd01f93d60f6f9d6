import type { ServerResponse } from 'node:http';
import type { Reply, ReplyHead } from '../core/answer/reply.ts';

/** Writes a whole answer. Throws, before anything is written, when it is no legal HTTP answer. */
export function writeReply(response: ServerResponse, reply: Reply): void {
  writeHead(response, reply);
  response.end(reply.body.length === 0 ? undefined : reply.body);
}

export function writeHead(response: ServerResponse, head: ReplyHead): void {
  const headers = head.headers as string[];
  if (head.reason === '') response.writeHead(head.status, headers);
  else response.writeHead(head.status, head.reason, headers);
}
