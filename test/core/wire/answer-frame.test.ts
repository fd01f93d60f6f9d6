import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AnswerFrame, type Framing } from '../../../src/core/wire/answer-frame.ts';

const none: Framing = { bodiless: false, contentLength: undefined, transferEncoding: undefined };
const ofLength = (length: number): Framing => ({ ...none, contentLength: String(length) });
const inChunks: Framing = { ...none, transferEncoding: 'chunked' };
const bodiless: Framing = { ...none, bodiless: true, contentLength: '5' };

const answers: ReadonlyArray<readonly [string, string, Framing]> = [
  ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', ofLength(5)],
  [
    'a body like a head',
    'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n\r\n\r\n\r\n\r\n',
    ofLength(8),
  ],
  ['no body', 'HTTP/1.1 204 No Content\r\n\r\n', bodiless],
  ['a length and no body', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', bodiless],
  ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n', inChunks],
  ['trailers', 'HTTP/1.1 200 OK\r\n\r\n2\r\nab\r\n0\r\nX-A: b\r\n\r\n', inChunks],
  [
    'interim responses before it',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\nab',
    ofLength(2),
  ],
];

function frameOf(text: string, cuts: readonly number[]): AnswerFrame {
  const frame = new AnswerFrame();
  const bytes = Buffer.from(text, 'latin1');
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    frame.push(bytes.subarray(from, cut));
    from = cut;
  }
  return frame;
}

describe.each(answers)('a response with %s', (_, text, framing) => {
  test('is exact, wherever its bytes are cut', () => {
    const anyCuts = fc.array(fc.nat(text.length), { maxLength: 8 });
    fc.assert(
      fc.property(anyCuts, (cuts) =>
        frameOf(
          text,
          cuts.sort((a, b) => a - b),
        ).isExact(framing),
      ),
    );
    const eachByte = Array.from(text, (_byte, at) => at);
    expect(frameOf(text, eachByte).isExact(framing)).toBe(true);
  });

  test.each(['H', 'HTTP/1.1 200 O', '\0', 'x\r\n'])('is not exact with %j behind it', (surplus) => {
    expect(frameOf(text + surplus, []).isExact(framing)).toBe(false);
    expect(frameOf(text + surplus, [text.length - 1]).isExact(framing)).toBe(false);
    expect(frameOf(text + surplus, [text.length]).isExact(framing)).toBe(false);
  });

  test('is not exact before it is complete', () => {
    expect(frameOf(text.slice(0, -1), []).isExact(framing)).toBe(false);
  });
});

test('a response that ends with its connection, or has no legal head, is never exact', () => {
  expect(frameOf('HTTP/1.1 200 OK\r\n\r\nabc', []).isExact(none)).toBe(false);
  expect(frameOf('HTTP/1.1 200 OK\n\nabc', []).isExact(ofLength(3))).toBe(false);
  expect(frameOf('HTTP/1.1 100 Continue\r\n\r\n', []).isExact(bodiless)).toBe(false);
});
