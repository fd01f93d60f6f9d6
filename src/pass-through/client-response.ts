/** What node:http would do at another time, or in another way, with the answer to a client. */
import type { IncomingMessage, OutgoingMessage, ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';

const noBytes = Buffer.alloc(0);

/**
 * Node holds a head back until the body begins, which may be long after. Not by flushHeaders(), which
 * sends it as UTF-8.
 */
export function sendHead(message: OutgoingMessage): void {
  message.write(noBytes);
}

/** Called when a body that came along with the head has been written. */
export function sendHeadAlone(answer: IncomingMessage, response: ServerResponse): void {
  if (!answer.readableDidRead && !response.writableEnded) sendHead(response);
}

/** Breaks an answer off in such a way that it cannot pass for a complete one. */
export function cut(request: IncomingMessage): void {
  const { socket } = request;
  // Without a length (HTTP/1.0) a body ends where the connection does, unless that is reset.
  if (request.httpVersion === '1.0' && !(socket instanceof TLSSocket)) socket.resetAndDestroy();
  else socket.destroy();
}
