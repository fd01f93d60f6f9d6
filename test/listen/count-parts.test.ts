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

describe("the parts of a client's own batch", () => {
  test.each<[string, string, number]>([
    ['none', 'hello', 0],
    ['one', '--B\r\nx\r\n--B--\r\n', 1],
    ['two, with bare line feeds and a preamble', 'pre\n--B\nx\n--B\ny\n--B--', 2],
    ['blanks behind the delimiter', '--B \t\r\nx\r\n--B--\r\n', 1],
    ['only at the beginning of a line', 'x--B\r\n\r\n--B\r\nx--B\r\n--B--\r\n', 1],
    ['one that is still to be closed', '--B\r\nx', 1],
  ])('are counted: %s', (_what, body, expected) => {
    expect(count('B', body)).toBe(expected);
  });

  test('are counted alike in whatever pieces they come', () => {
    const body = `${'--limit\r\nContent-Type: x\r\n\r\n--limi\r\n-\r\n'.repeat(4)}--limit--\r\n`;
    fc.assert(
      fc.property(fc.array(fc.nat(body.length), { maxLength: 12 }), (cuts) => {
        expect(count('limit', body, cuts)).toBe(4);
      }),
    );
  });
});
