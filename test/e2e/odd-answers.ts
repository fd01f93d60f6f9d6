/** Odd answers of a pool as data: the bytes, and the result for callers in each kind of request. */
import { app } from '../support/ucwa-client.ts';

export type Way = 'passed through' | 'alone' | 'in a batch';
export const ways: readonly Way[] = ['passed through', 'alone', 'in a batch'];
export const targets: Record<Way, readonly string[]> = {
  'passed through': ['/abs/handler'],
  alone: [`${app}/me/note`],
  'in a batch': [`${app}/me/note`, `${app}/me/location`],
};

export const part = (body: string): string =>
  `--B\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\n\r\n${body}\r\n`;
/** Bodies of the answer to a batch, and to a single request. */
export const bodies = { batch: `${part('hello')}${part('hello')}--B--\r\n`, single: 'hello' };
export const types = { batch: 'multipart/batching; boundary=B', single: 'text/plain' };

const inChunks = (body: string): string => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
export const withLength = (status: string, body: string): string =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
export const coded = (codings: string) => (body: string, type: string) =>
  `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nTransfer-Encoding: ${codings}\r\n\r\n${inChunks(body)}`;
const status = (line: string) => (body: string) => withLength(line, body);
const reset = (framing: string) => (): string => `HTTP/1.1 205 Reset Content\r\n${framing}`;

interface Kind {
  readonly what: string;
  readonly bytes: (body: string, type: string) => string;
  /** Whether the pool closes the connection after the bytes. Otherwise it stays silent. */
  readonly ends?: boolean;
  /** The result for each caller. `cut`: the connection ends before the answer does. */
  readonly seen: string | readonly [passed: string, alone: string, batched: string];
  /** Whether the next request uses the same connection to the pool. */
  readonly again?: boolean | readonly [passed: boolean, alone: boolean, batched: boolean];
  readonly isSilent?: boolean;
}

export const odd = '504 http_protocol_error';
export const fine = '200 hello';
const ended = '504 connection_terminated';
const silent = '504 http_response_timeout';
const incomplete = '504 http_response_incomplete';
const kept = (codings: string): Kind['seen'] => [
  `200 (${codings}) hello`,
  `200 (${codings}) hello`,
  odd,
];
const codedAgain = [true, true, false] as const;
const emptied: Kind['seen'] = ['205 ', '205 ', odd];

export const kinds: readonly Kind[] = [
  { what: 'chunks', bytes: coded('chunked'), seen: fine, again: true },
  { what: 'Chunked, and blanks', bytes: coded('  Chunked  '), seen: fine, again: true },
  { what: 'an empty coding', bytes: coded(', chunked'), seen: fine, again: true },
  {
    what: 'gzip, chunked',
    bytes: coded('gzip, chunked'),
    seen: kept('gzip, chunked'),
    again: codedAgain,
  },
  {
    what: 'gzip and chunked in two fields',
    bytes: coded('gzip\r\nTransfer-Encoding: chunked'),
    seen: kept('gzip, chunked'),
    again: codedAgain,
  },
  { what: 'gzip', bytes: coded('gzip'), ends: true, seen: odd },
  { what: 'gzip, without an end', bytes: coded('gzip'), seen: odd },
  { what: 'chunked, gzip', bytes: coded('chunked, gzip'), ends: true, seen: odd },
  { what: 'chunked twice', bytes: coded('chunked, chunked'), ends: true, seen: odd },
  { what: 'identity', bytes: coded('identity'), ends: true, seen: odd },
  { what: 'a coding without a name', bytes: coded(''), ends: true, seen: odd },
  { what: 'xchunked', bytes: coded('xchunked'), ends: true, seen: odd },

  { what: '205', bytes: reset('Content-Length: 0\r\n\r\n'), seen: emptied, again: codedAgain },
  { what: '205, a body', bytes: reset(withLength('', 'ab').slice(11)), seen: emptied },
  {
    what: '205, a body in chunks',
    bytes: reset(`Transfer-Encoding: chunked\r\n\r\n${inChunks('ab')}`),
    seen: emptied,
  },
  { what: '205, a body without a length', bytes: reset('\r\nab'), ends: true, seen: emptied },
  {
    what: '205, a body that never ends',
    bytes: reset('Content-Length: 9\r\n\r\nab'),
    seen: emptied,
  },

  ...['000', '099', '99', '20', '2x0', '600', '999', '1000', '199', '100', '101'].map((line) => ({
    what: `the status ${line}`,
    bytes: status(`${line} Odd`),
    seen: odd,
  })),

  ...['\n', '\r'].map((end) => ({
    what: `a line of the head that ends in ${JSON.stringify(end)}`,
    bytes: (body: string, type: string) =>
      `HTTP/1.1 200 OK\r\nA: b${end}Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    seen: odd,
  })),

  { what: 'nothing, and the end', bytes: () => '', ends: true, seen: ended },
  { what: 'half a status line, and the end', bytes: () => 'HTTP/1.1 2', ends: true, seen: ended },
  {
    what: 'half a head, and the end',
    bytes: () => 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r',
    ends: true,
    seen: ended,
  },
  {
    what: 'an interim answer, and the end',
    bytes: () => 'HTTP/1.1 103 Early Hints\r\n\r\n',
    ends: true,
    seen: ended,
  },
  { what: 'nothing more', bytes: () => '', seen: silent, isSilent: true },
  {
    what: 'half a head, and nothing more',
    bytes: () => 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r',
    seen: silent,
    isSilent: true,
  },

  {
    what: 'a head without its body, and the end',
    bytes: (_, type) => `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: 9\r\n\r\n`,
    ends: true,
    seen: ['cut: 200 ', incomplete, incomplete],
  },
  {
    what: 'half a body, and the end',
    bytes: (_, type) => `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: 9\r\n\r\nab`,
    ends: true,
    seen: ['cut: 200 ab', 'cut: 200 ab', incomplete],
  },
];
