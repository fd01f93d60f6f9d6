import type { IncomingMessage } from 'node:http';
import {
  faulty,
  isFinal,
  isUnendedReset,
  transferCodings,
  withoutBody,
} from '../core/messages/odd-heads.ts';
import { keepDispositionBytes, type RawHeaders } from '../core/messages/http-message.ts';

/** Characters in a reason phrase that Node's parser accepts, and that Node refuses to write. */
const illegalReason = /[^\t\x20-\x7e\x80-\xff]/;

/** The head of an answer that the proxy can relay. */
export interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  /** Transfer codings that the client must be told; `undefined` if there are none besides `chunked`. */
  readonly codings: string | undefined;
  /** Whether the client receives the answer without its body. See `isUnendedReset`. */
  readonly endsAtHead: boolean;
}

/** Returns `undefined` if the proxy must not relay the answer, because its head is ambiguous or illegal. */
export function readAnswerHead(
  request: IncomingMessage,
  answer: IncomingMessage,
): AnswerHead | undefined {
  const { statusCode: status = 0, statusMessage: reason = '', rawHeaders } = answer;
  // A 101 without upgrade fields is a final answer to Node. The proxy never asks for another protocol.
  if (!isFinal(status) || illegalReason.test(reason)) return undefined;
  if (request.method === 'HEAD') return { status, reason, codings: undefined, endsAtHead: false };
  const codings = transferCodings(status, rawHeaders);
  const isFaulty = codings === faulty;
  const isUnknownToClient = codings !== undefined && request.httpVersion !== '1.1';
  if (isFaulty || isUnknownToClient) return undefined;
  return { status, reason, codings, endsAtHead: isUnendedReset(status, rawHeaders) };
}

/** Returns the fields that the client receives, in the encoding of `writeHead`. */
export function relayedFields(head: AnswerHead, fields: RawHeaders): RawHeaders {
  const ended = head.endsAtHead ? withoutBody(fields) : fields;
  const { codings } = head;
  return keepDispositionBytes(
    codings === undefined ? ended : [...ended, 'Transfer-Encoding', codings],
  );
}
