import { validateHeaderName, validateHeaderValue } from 'node:http';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  endToEndHeaders,
  fieldLines,
  keepDispositionBytes,
  keepsConnection,
  namedByConnection,
} from '../../../src/core/messages/http-message.ts';

test.each([
  ['before', ['keep-alive', 'X-Hop, close']],
  ['after', ['X-Hop, close', 'keep-alive']],
  ['in one field with', ['Keep-Alive, x-hop , Close']],
])('Connection options count %s keep-alive', (_where, values) => {
  const headers = values.flatMap((value) => ['Connection', value]);
  headers.push('Keep-Alive', 'timeout=5', 'X-Hop', '1', 'X-End', '2');
  expect(endToEndHeaders(headers)).toEqual(['X-End', '2']);
  expect([...namedByConnection(headers)]).toEqual(expect.arrayContaining(['close', 'x-hop']));
});

test('Connection: keep-alive removes only the hop-by-hop fields', () => {
  const headers = ['Connection', 'keep-alive', 'Keep-Alive', 'timeout=5', 'X-End', '2'];
  expect(endToEndHeaders(headers)).toEqual(['X-End', '2']);
});

const legal = (name: string, value: string): boolean => {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
};

test.each([
  [[], false],
  [['Content-Length', '3'], true],
  [['transfer-encoding', 'chunked'], true],
  [['Content-Length', '3', 'Connection', 'x, Close'], false],
] as const)('a connection stays open after an answer with %j: %s', (headers, stays) => {
  expect(keepsConnection(headers)).toBe(stays);
});

test('fieldLines writes one line for each field, and accepts exactly the fields that Node accepts', () => {
  const characters = 'aZ-9\t \r\n\0:\x7f\x80\xff\u0100(~'.split('');
  const text = fc.string({ unit: fc.constantFrom(...characters), maxLength: 4 });
  const name = fc.oneof(fc.constantFrom('ETag', 'x-a'), text);
  fc.assert(
    fc.property(fc.array(fc.tuple(name, text), { maxLength: 4 }), (fields) => {
      const lines = fields.map(([key, value]) => `${key}: ${value}\r\n`).join('');
      const isLegal = fields.every(([key, value]) => legal(key, value));
      expect(fieldLines(fields.flat())).toBe(isLegal ? lines : undefined);
    }),
    { numRuns: 5000 },
  );
});

test('Content-Length stands behind a Content-Disposition with bytes above ASCII, and stays where it is otherwise', () => {
  const ascii = ['Content-Length', '2', 'Content-Disposition', 'inline; filename="a"'];
  expect(keepDispositionBytes(ascii)).toBe(ascii);
  const disposition = ['Content-Disposition', 'inline; filename="\xe4"'];
  expect(keepDispositionBytes(['content-length', '2', ...disposition, 'A', 'b'])).toEqual([
    ...disposition,
    ...['A', 'b', 'content-length', '2'],
  ]);
});
