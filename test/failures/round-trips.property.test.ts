/** Bodies that go into a batch come out unchanged, whatever their bytes, in both directions. */
import { test } from '@jest/globals';
import fc from 'fast-check';
import { batchKey } from '../../src/core/ucwa/batch-key.ts';
import { readHead } from '../../src/core/admit/request-head.ts';
import { encodeWith } from '../../src/core/wire/batch-encoder.ts';
import { MultipartParser } from '../../src/core/wire/multipart-parser.ts';
import { parseBatch } from '../../src/simulator/batch/batch-parser.ts';
import { fuzzRuns } from '../support/fuzz-budget.ts';
import { boundaries, hostileBody } from '../support/hostile-bodies.ts';
import type { OutgoingCall } from '../../src/core/messages/outgoing-call.ts';

const trials = 100_000;
const bodiesOfABatch = fc.array(hostileBody, { minLength: 1, maxLength: 5 });

function aCall(body: Buffer, index: number): OutgoingCall {
  const headers = ['Host', 'proxy', 'Authorization', 'a', 'Content-Type', 'text/plain'];
  headers.push('X-N', String(index));
  const key = batchKey('/ucwa/v1/applications/1', readHead(headers), 'pool', []);
  const method = body.length > 0 ? 'POST' : 'GET';
  return { method, target: `/ucwa/v1/applications/1/n?${index}`, headers, body, key };
}

test(`${trials} batches with hostile bodies are read by another parser as they were meant`, () => {
  fc.assert(
    fc.property(bodiesOfABatch, (bodies) => {
      const calls = bodies.map(aCall);
      const { boundary, body } = encodeWith(boundaries(), calls);
      const read = parseBatch(body, boundary).map(
        (part) => `${part.method} ${part.target} ${part.body.toString('latin1')}`,
      );
      const meant = calls.map(
        (call) => `${call.method} ${call.target} ${call.body.toString('latin1')}`,
      );
      assertSame(read, meant);
    }),
    fuzzRuns(trials),
  );
});

test(`${trials} answers with hostile bodies are read as they were written, cut into any pieces`, () => {
  const cuts = fc.array(fc.nat(600), { maxLength: 5 });
  fc.assert(
    fc.property(bodiesOfABatch, cuts, (bodies, at) => {
      const draw = boundaries();
      let boundary = draw();
      while (bodies.some((body) => body.includes(boundary))) boundary = draw();
      const bytes = writeAnswer(boundary, bodies);
      const parser = new MultipartParser(boundary, { maxParts: 5, maxPreambleBytes: 4096 });
      let from = 0;
      for (const cut of at.filter((n) => n < bytes.length).sort((a, b) => a - b)) {
        parser.push(Buffer.from(bytes.subarray(from, cut)));
        from = cut;
      }
      parser.push(Buffer.from(bytes.subarray(from)));
      const ending = parser.finish();
      const read = parser.parts.map((part) =>
        part.kind === 'response' ? part.body.toString('latin1') : part.why,
      );
      const written = bodies.map((body) => body.toString('latin1'));
      assertSame([ending, ...read], ['closed', ...written]);
    }),
    fuzzRuns(trials),
  );
});

/** Is faster than `expect`, which would take most of the time. */
function assertSame(read: readonly string[], meant: readonly string[]): void {
  const isSame = read.length === meant.length && read.every((text, i) => text === meant[i]);
  if (!isSame) throw new Error(`read ${JSON.stringify(read)}, meant ${JSON.stringify(meant)}`);
}

function writeAnswer(boundary: string, bodies: readonly Buffer[]): Buffer {
  const head =
    `--${boundary}\r\nContent-Type: application/http; msgtype=response\r\n\r\n` +
    'HTTP/1.1 200 OK\r\n\r\n';
  const pieces = bodies.flatMap((body) => [Buffer.from(head), body, Buffer.from('\r\n')]);
  return Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
}
