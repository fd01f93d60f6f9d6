/** Helpers that join and split batches as plain text, without the code of the simulator. */
import { bearer, type ClientAnswer, type ClientRequest } from '../http-client.ts';

export const boundary = '8963d8ed-59c3-4bbf-bef5-ceb7c182698b';

/** Returns a part with these lines, a blank line and `body`. */
export function part(lines: readonly string[], body = ''): string {
  return `Content-Type: application/http; msgtype=request\r\n\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** Returns a part with a GET, as real clients write it. */
export function get(target: string, host = 'pool.test'): string {
  return part([`GET ${target} HTTP/1.1`, `Host: ${host}`, 'Accept: application/json']);
}

/** Returns a part with a POST and a JSON body. */
export function post(target: string, body: string, host = 'pool.test'): string {
  return part(
    [
      `POST ${target} HTTP/1.1`,
      `Host: ${host}`,
      'Accept: application/json',
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
    ],
    body,
  );
}

/** Returns the body of a batch request with these parts. */
export function batchText(parts: readonly string[]): string {
  const text = parts.map((each) => `\r\n--${boundary}\r\n${each}`).join('');
  return `${text}\r\n--${boundary}--\r\n`;
}

/** Returns the request for `send` that posts this batch. */
export function batchRequest(
  user: string,
  parts: readonly string[],
  headers: Readonly<Record<string, string>> = {},
): ClientRequest {
  return {
    method: 'POST',
    body: batchText(parts),
    headers: {
      Host: 'pool.test',
      Accept: 'multipart/batching',
      'Content-Type': `multipart/batching;boundary=${boundary}`,
      ...bearer(user),
      ...headers,
    },
  };
}

/** Returns the messages in a well-formed batch answer, as text. */
export function messagesIn({ headers, body }: ClientAnswer): string[] {
  const type = headers['content-type'] ?? '';
  const name = /^multipart\/batching; boundary="([0-9a-f-]{36})"$/.exec(type)?.[1];
  if (name === undefined) throw new Error(`not a batch answer: ${type}`);
  const pieces = `\r\n${body.toString()}`.split(`\r\n--${name}`);
  if (pieces.shift() !== '' || pieces.pop() !== '--\r\n') throw new Error('badly delimited');
  const head = '\r\nContent-Type: application/http; msgtype=response\r\n\r\n';
  return pieces.map((piece) => {
    if (!piece.startsWith(head)) throw new Error(`bad part: ${piece}`);
    return piece.slice(head.length);
  });
}

/** Returns the status codes of the messages in a batch answer. */
export function statusesIn(answer: ClientAnswer): number[] {
  return messagesIn(answer).map((message) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(message)?.[1]));
}
