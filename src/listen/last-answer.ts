/**
 * The end of a connection after a refusal. An immediate close could make the client's system discard the answer
 * (RFC 9112 section 9.6). Without a time limit the client could keep the connection open.
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { fieldLines } from '../core/messages/http-message.ts';
import type { Reply } from '../core/messages/reply.ts';

/** Time in ms that a refused client has to read the answer before its connection is destroyed. */
const discardMs = 1000;

const reasons: Record<number, string> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
};

/** Writes a last answer to a connection without an open exchange, and closes the connection. */
export function closeAfterAnswer(socket: Duplex, reply: Reply): void {
  closeGently(socket, serialize(reply));
}

/**
 * Makes Node close the connection gently after the answer that is written next. Node would destroy it at once,
 * although the client may still send the rest of a body.
 */
export function lingerAfterAnswer(socket: Socket): void {
  socket.destroySoon = () => closeGently(socket);
}

/** Half-closes the connection, discards input for `discardMs`, and destroys the connection. */
function closeGently(socket: Duplex, answer?: Buffer): void {
  socket.end(answer);
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), discardMs);
  socket.once('close', () => clearTimeout(timer));
}

function serialize(reply: Reply): Buffer {
  const fields = ['Content-Length', String(reply.body.length), 'Connection', 'close'];
  const lines = fieldLines([...reply.headers, ...fields]) ?? '';
  const head = `HTTP/1.1 ${reply.status} ${reasons[reply.status] ?? ''}\r\n${lines}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), reply.body]);
}
