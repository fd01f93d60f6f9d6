/** The encoder and the parser keep the calls and responses of a batch, even with hostile bytes. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { batchKey } from '../../../src/core/ucwa/batch-key.ts';
import { readHead } from '../../../src/core/admit/request-head.ts';
import { encodeWith } from '../../../src/core/wire/batch-encoder.ts';
import { MultipartParser } from '../../../src/core/wire/multipart-parser.ts';
import { parseBatch } from '../../../src/simulator/batch/batch-parser.ts';
import { boundaries, hostileBody } from '../../support/hostile-bodies.ts';
import type { OutgoingCall } from '../../../src/core/messages/outgoing-call.ts';

/** A small number for the default suite. `test/failures/` runs many more. */
const trials = 2000;

function aCall(body: Buffer, index: number): OutgoingCall {
  const headers = [
    'Host',
    'proxy',
    'Authorization',
    'a',
    'Content-Type',
    'text/plain',
    'X-N',
    String(index),
  ];
  const key = batchKey('/ucwa/v1/applications/1', readHead(headers), 'pool', []);
  const method = body.length > 0 ? 'POST' : 'GET';
  return { method, target: `/ucwa/v1/applications/1/n?${index}`, headers, body, key };
}

test(`another parser reads ${trials} batches of hostile bodies correctly`, () => {
  fc.assert(
    fc.property(fc.array(hostileBody, { minLength: 1, maxLength: 5 }), (bodies) => {
      const calls = bodies.map(aCall);
      const { boundary, body } = encodeWith(boundaries(), calls);
      const parts = parseBatch(body, boundary);
      expect(parts.map((part) => [part.method, part.target, part.body.toString('latin1')])).toEqual(
        calls.map((call) => [call.method, call.target, call.body.toString('latin1')]),
      );
    }),
    { numRuns: trials },
  );
});

test(`${trials} responses with hostile bodies are read correctly, in pieces of all sizes`, () => {
  const cuts = fc.array(fc.nat(600), { maxLength: 5 });
  fc.assert(
    fc.property(fc.array(hostileBody, { minLength: 1, maxLength: 5 }), cuts, (bodies, at) => {
      const draw = boundaries();
      let boundary = draw();
      while (bodies.some((body) => body.includes(boundary))) boundary = draw();
      const pieces = bodies.flatMap((body) => [
        Buffer.from(
          `--${boundary}\r\nContent-Type: application/http; msgtype=response\r\n\r\nHTTP/1.1 200 OK\r\n\r\n`,
        ),
        body,
        Buffer.from('\r\n'),
      ]);
      const bytes = Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
      const parser = new MultipartParser(boundary, { maxParts: 5, maxPreambleBytes: 4096 });
      let from = 0;
      for (const cut of [
        ...at.filter((n) => n < bytes.length).sort((a, b) => a - b),
        bytes.length,
      ]) {
        parser.push(Buffer.from(bytes.subarray(from, cut)));
        from = cut;
      }
      expect(parser.finish()).toBe('closed');
      const read = parser.parts.map((part) =>
        part.kind === 'response' ? part.body.toString('latin1') : part.why,
      );
      expect(read).toEqual(bodies.map((body) => body.toString('latin1')));
    }),
    { numRuns: trials },
  );
});
