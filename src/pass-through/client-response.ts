/** Helpers for messages that node:http would send or end differently. */
import type { IncomingMessage, OutgoingMessage, ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';

const noBytes = Buffer.alloc(0);

/** Maximum time in ms for which the proxy reads the rest of a request body after an early answer. */
const discardMs = 1000;

/**
 * Sends the head of a message now. Node would wait for the first byte of the body, which can take long.
 * `flushHeaders()` is no alternative, because it encodes the head as UTF-8.
 */
export function sendHead(message: OutgoingMessage): void {
  message.write(noBytes);
}

/** Sends the head of an answer without any body bytes yet. To be called one turn after the head arrived. */
export function sendHeadAlone(answer: IncomingMessage, response: ServerResponse): void {
  if (!answer.readableDidRead && !response.writableEnded) sendHead(response);
}

/**
 * Makes an early answer close its connection, so that the rest of the client's body cannot be parsed as a request.
 * An early answer arrives before the client has sent its whole body.
 */
export function closeBehindUnreadBody(
  call: Readonly<{ request: IncomingMessage; response: ServerResponse }>,
): void {
  if (!call.request.complete) call.response.shouldKeepAlive = false;
}

/** Ends the client's connection so that the client detects a truncated answer. */
export function cut(request: IncomingMessage): void {
  const { socket } = request;
  // A body of HTTP/1.0 without a length ends with its connection. Only a reset shows that it is truncated.
  if (request.httpVersion === '1.0' && !(socket instanceof TLSSocket)) socket.resetAndDestroy();
  else socket.destroy();
}

/**
 * Calls `end`, which ends an early answer and its connection, when the client has sent its whole body, or after
 * `discardMs`. An immediate close could make the client's system discard the answer before the client reads it
 * (RFC 9112 section 9.6).
 *
 * @returns a function that stops the timer
 */
export function discardRest(request: IncomingMessage, end: () => void): () => void {
  // An early answer over HTTP/2 ends its stream only, and the client reads it in any case.
  if (request.httpVersion === '2') {
    end();
    return () => undefined;
  }
  request.on('end', end);
  const timer = setTimeout(end, discardMs);
  return () => clearTimeout(timer);
}
