/**
 * Rows 26 to 37 of the failure rows: the connection to the pool. `row.ts` explains the tuples. Row 38, a paused
 * process, is in stalled.test.ts.
 */
import { says } from '../../e2e/failure-seen.ts';
import { all, inSecondPart, reads, type Row } from './row.ts';

const notRun = all(['503 no', 0, '']);
const unknown = reads(['own', 1, '3 1'], ['504 unknown', 0, '3']);
const unknownThoughRun = reads(['own', 2, '3 1'], ['504 unknown', 1, '3']);
const lost = { kind: 'reset', at: 'beforeHead' } as const;
const closed = { kind: 'junk', bytes: '' } as const;

const early = (status: number) => ({
  bodyBytes: 60_000,
  fault: { ...says(status), early: true },
});

export const transport: readonly Row[] = [
  {
    row: 26,
    fault: 'the name is not found',
    cases: [{ name: 'no such name', elsewhere: 'a name that does not exist', ...notRun }],
  },
  {
    row: 27,
    fault: 'the connection is refused',
    cases: [{ name: 'no listener', elsewhere: 'no listener', ...notRun }],
  },
  {
    row: 28,
    fault: 'the connection is not established in time',
    cases: [{ name: 'no SYN is answered', elsewhere: 'a port that answers no SYN', ...notRun }],
  },
  {
    row: 29,
    fault: 'the TLS handshake fails',
    cases: [
      { name: 'no TLS', elsewhere: 'https to a port without TLS', ...notRun },
      {
        name: 'an untrusted certificate',
        elsewhere: 'an untrusted certificate',
        ...notRun,
      },
    ],
  },
  {
    row: 30,
    fault: 'a fresh connection ends before the first byte',
    cases: [
      { name: 'reset', fault: { ...lost, execute: false }, ...unknown },
      { name: 'reset, though all ran', fault: lost, ...unknownThoughRun },
      { name: 'closed', fault: closed, ...unknown },
      { name: 'closed, though all ran', fault: { ...closed, execute: true }, ...unknownThoughRun },
    ],
  },
  {
    row: 31,
    fault: 'a connection that was used before ends before the first byte',
    cases: [
      { name: 'reset', warm: true, fault: { ...lost, execute: false }, ...unknown },
      {
        name: 'closed, though all ran',
        warm: true,
        fault: { ...closed, execute: true },
        ...unknownThoughRun,
      },
    ],
  },
  {
    row: 32,
    fault: 'reset after the head of the answer',
    cases: [
      { name: 'at once', fault: { kind: 'reset', at: 'afterHead' }, ...unknownThoughRun },
      {
        name: 'in the second part',
        fault: { kind: 'reset', at: inSecondPart },
        hit: [1, 2],
        counted: ['truncated', 1],
        ...unknownThoughRun,
      },
    ],
  },
  {
    row: 33,
    fault: 'an answer that is not HTTP',
    cases: [
      { name: 'junk', fault: { kind: 'junk' }, ...unknown },
      { name: 'junk though all ran', fault: { kind: 'junk', execute: true }, ...unknownThoughRun },
    ],
  },
  {
    row: 34,
    fault: 'silence',
    cases: [
      { name: 'all ran', withinMs: 1000, fault: { kind: 'hang' }, ...unknownThoughRun },
      { name: 'nothing ran', withinMs: 1000, fault: { kind: 'hang', execute: false }, ...unknown },
    ],
  },
  {
    row: 35,
    fault: 'an answer that comes too slowly',
    cases: [
      {
        name: 'from the second part on',
        withinMs: 1000,
        fault: { kind: 'chunks', sizes: [inSecondPart, 1], pauseMs: 200 },
        hit: [1, 2],
        ...unknownThoughRun,
      },
    ],
  },
  {
    row: 36,
    fault: '100 Continue without a final answer',
    cases: [
      {
        name: '100 and silence',
        elsewhere: {
          script(request, socket) {
            const [head = ''] = request.split('\r\n\r\n');
            const [nonce] = /^X-Nonce: .*$/im.exec(head) ?? [];
            if (nonce === undefined) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
            else socket.write(`HTTP/1.1 200 OK\r\n${nonce}\r\nContent-Length: 0\r\n\r\n`);
          },
        },
        ...reads(['own', 0, '3 1'], ['504 unknown', 0, '3']),
      },
    ],
  },
  {
    row: 37,
    fault: 'an answer before the request is read',
    cases: [
      { name: '401', ...early(401), ...all(['pool', 0, '0']) },
      { name: '429', ...early(429), ...all(['own', 1, '0 <3']) },
      { name: '503', ...early(503), ...reads(['own', 1, '0 1'], ['pool', 0, '0']) },
    ],
  },
];
