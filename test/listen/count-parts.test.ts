import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PartCounter } from '../../src/listen/count-parts.ts';

function count(boundary: string, body: string, at: readonly number[] = []): number {
  const counter = new PartCounter(boundary);
  const bytes = Buffer.from(body, 'latin1');
  let from = 0;
  for (const cut of [...at.toSorted((a, b) => a - b), bytes.length]) {
    counter.push(bytes.subarray(from, Math.max(from, cut)));
    from = Math.max(from, cut);
  }
  return counter.parts;
}

describe("the number of parts of a client's own batch", () => {
  test.each<[string, string, number]>([
    ['no part', 'hello', 0],
    ['one part', '--B\r\nx\r\n--B--\r\n', 1],
    ['two, with bare line feeds and a preamble', 'pre\n--B\nx\n--B\ny\n--B--', 2],
    ['blanks after the delimiter', '--B \t\r\nx\r\n--B--\r\n', 1],
    ['delimiters inside a line, which do not count', 'x--B\r\n\r\n--B\r\nx--B\r\n--B--\r\n', 1],
    ['one part without an end', '--B\r\nx', 1],
  ])('is exact: %s', (_what, body, expected) => {
    expect(count('B', body)).toBe(expected);
  });

  test('does not depend on the pieces in which the batch arrives', () => {
    const body = `${'--limit\r\nContent-Type: x\r\n\r\n--limi\r\n-\r\n'.repeat(4)}--limit--\r\n`;
    fc.assert(
      fc.property(fc.array(fc.nat(body.length), { maxLength: 12 }), (cuts) => {
        expect(count('limit', body, cuts)).toBe(4);
      }),
    );
  });
});
