/** Rows 18 to 25: single parts, and the framing of the parts. */
import { says } from '../../e2e/failure-seen.ts';
import { all, inSecondPart, reads, type Case, type Row } from './row.ts';

const second: Case['rule'] = { on: { kind: 'part' }, skip: 1 };
/** The proxy does not know whether the call ran. It ran. */
const unknown = reads(['own', 2, '3 1'], ['504 unknown', 1, '3']);

const ofSecond = (status: number, ran: 0 | 1): Case => ({
  name: `${status}${ran === 1 ? ' though it ran' : ''}`,
  rule: second,
  fault: says(status, { execute: ran === 1 }),
  hit: [1],
  ...all(['pool', ran, '3']),
});

const malformed = (name: string, message: string): Case => ({
  name,
  fault: { kind: 'malformedPart', index: 1, message },
  hit: [1],
  counted: ['malformed_part', 1],
  ...unknown,
});

export const parts: readonly Row[] = [
  {
    row: 18,
    fault: '429 for one part',
    cases: [
      {
        name: '429',
        rule: second,
        fault: says(429),
        hit: [1],
        ...reads(['own', 1, '3 1'], ['pool', 0, '3']),
      },
    ],
  },
  {
    row: 19,
    fault: 'another error of the caller for one part',
    cases: [401, 403, 404, 409, 412, 428].map((status) => ofSecond(status, 0)),
  },
  {
    row: 20,
    fault: '5xx for one part',
    cases: [ofSecond(500, 0), ofSecond(500, 1), ofSecond(503, 0)],
  },
  {
    row: 21,
    fault: 'a part that is not an HTTP message',
    cases: [
      malformed('no status line', 'hello'),
      malformed('a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\nok'),
      malformed('a field without a colon', 'HTTP/1.1 200 OK\r\nfield\r\n\r\nok'),
      malformed('a wrong length', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok'),
      malformed(
        'chunks',
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      ),
    ],
  },
  {
    row: 22,
    fault: 'fewer or more parts',
    cases: [
      {
        name: 'one fewer',
        fault: { kind: 'fewerParts', count: 1 },
        counted: ['fewer_parts', 1],
        ...unknown,
      },
      {
        name: 'none at all',
        fault: { kind: 'fewerParts', count: 3 },
        counted: ['truncated', 1],
        ...unknown,
      },
      {
        name: 'one more',
        fault: { kind: 'moreParts', count: 1 },
        counted: ['more_parts', 1],
        ...unknown,
      },
    ],
  },
  {
    row: 23,
    fault: 'an answer that breaks off',
    cases: [
      ...(['contentLength', 'chunked', 'complete'] as const).map((framing): Case => ({
        name: `in the second part, ${framing}`,
        fault: { kind: 'truncate', afterBytes: inSecondPart, framing },
        hit: [1, 2],
        counted: ['truncated', 1],
        ...unknown,
      })),
      {
        name: 'before the last delimiter',
        fault: { kind: 'noCloseDelimiter' },
        hit: [2],
        counted: ['truncated', 1],
        ...unknown,
      },
      {
        name: 'only the dashes of the last delimiter are missing',
        fault: { kind: 'noCloseDelimiter', bare: true },
        ...all(['own', 1, '3']),
      },
    ],
  },
  {
    row: 24,
    fault: 'parts in another order',
    cases: [
      {
        name: 'reversed, which the protocol cannot show',
        fault: { kind: 'permute' },
        ...all(['mirrored', 1, '3']),
      },
    ],
  },
  {
    row: 25,
    fault: 'a part with an interim answer',
    cases: [
      malformed('100', 'HTTP/1.1 100 Continue\r\n\r\n'),
      malformed('101', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'),
    ],
  },
];
