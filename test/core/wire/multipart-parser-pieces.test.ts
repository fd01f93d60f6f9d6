/** When the parser returns parts, and how it reads responses in many pieces. */
import { describe, expect, jest, test } from '@jest/globals';
import { MultipartParser } from '../../../src/core/wire/multipart-parser.ts';

const limits = { maxParts: 50, maxPreambleBytes: 4096 };
const head = 'Content-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\n\r\n';

function bodiesOf(parser: MultipartParser): string[] {
  return parser.parts.map((part) =>
    part.kind === 'response' ? part.body.toString('latin1') : part.why,
  );
}

function read(text: string, pieceBytes = Infinity): { ending: string; bodies: string[] } {
  const parser = new MultipartParser('B', limits);
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    parser.push(Buffer.from(bytes.subarray(at, at + pieceBytes)));
  }
  return { ending: parser.finish(), bodies: bodiesOf(parser) };
}

describe('a part is returned as soon as the delimiter line behind it is complete', () => {
  test.each([
    ['another delimiter', '--B\r\n', `--B\r\n${head}{}\r\n`],
    ['another delimiter with a blank', '--B \r\n', `--B\r\n${head}{}\r\n`],
    ['the close delimiter', '--B--\r\n', `--B\r\n${head}{}\r\n`],
    ['a delimiter with a bare line feed', '--B\n', `--B\n${head}{}\n`],
  ])('%s', (_what, line, before) => {
    const parser = new MultipartParser('B', limits);
    parser.push(Buffer.from(before));
    for (const byte of line) {
      expect(parser.parts).toHaveLength(0);
      parser.push(Buffer.from(byte));
    }
    expect(bodiesOf(parser)).toEqual(['{}']);
  });

  test('no bytes are kept after the last part', () => {
    const parser = new MultipartParser('B', limits);
    parser.push(Buffer.from(`--B\r\n${head}{}\r\n--B--\r\nepilogue`));
    expect(parser.bufferedBytes).toBe(0);
    parser.push(Buffer.from('more'));
    expect(parser.bufferedBytes).toBe(0);
    expect(parser.finish()).toBe('closed');
  });

  test('bytes of an incomplete part are counted', () => {
    const parser = new MultipartParser('B', limits);
    parser.push(Buffer.from(`--B\r\n${head}{}\r\n--B\r\n`));
    expect(parser.bufferedBytes).toBe(0);
    parser.push(Buffer.from('12345'));
    parser.push(Buffer.from('678'));
    expect(parser.bufferedBytes).toBe(8);
  });
});

/** A text that does not repeat itself, so that two pieces of it are never equal. */
const long = Array.from({ length: 30_000 }, (_, i) => i.toString(36)).join(' ');

test.each([[1], [1000], [4096], [7777], [16_384], [50_000], [Infinity]])(
  'long parts in pieces of %s bytes are complete, and are not overwritten later',
  (pieceBytes) => {
    const texts = ['short', long, 'short again', long.slice(0, 20_000), ''];
    const parts = texts.map((text) => `--B\r\n${head}${text}\r\n`).join('');
    const bytes = Buffer.from(`${parts}--B--\r\n`);
    const parser = new MultipartParser('B', limits);
    const whenGiven: string[] = [];
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      parser.push(Buffer.from(bytes.subarray(at, at + pieceBytes)));
      whenGiven.push(...bodiesOf(parser).slice(whenGiven.length));
    }
    expect(parser.finish()).toBe('closed');
    expect(whenGiven.map((text) => text.length)).toEqual(texts.map((text) => text.length));
    expect(whenGiven.every((text, i) => text === texts[i])).toBe(true);
    expect(bodiesOf(parser).every((text, i) => text === texts[i])).toBe(true);
  },
);

test.each([
  ['\r\n', 'a body with text like delimiters'],
  ['\n', 'the same body if line feeds end lines'],
])('long pieces may be cut anywhere (%j): %s', (lineEnd) => {
  const nearly = ['\n--B\r\n', '\r\n--BB\r\n', '\r\n--B-x', '--B--', '\r\n--', '\r'];
  if (lineEnd === '\n') nearly.shift();
  const text = nearly.map((line, i) => `${line}${String(i).repeat(400)}`).join('');
  const parts = [text, '', text.slice(5)];
  const written = parts.map((part) => `--B${lineEnd}${head}${part}${lineEnd}`).join('');
  const bytes = Buffer.from(`${written}--B--${lineEnd}${'epilogue'.repeat(150)}`);
  const wrong: number[] = [];
  for (let cut = 1024; cut <= bytes.length - 1024; cut += 1) {
    for (const pieceBytes of [bytes.length, 1024]) {
      const parser = new MultipartParser('B', limits);
      parser.push(bytes.subarray(0, cut));
      for (let at = cut; at < bytes.length; at += pieceBytes) {
        parser.push(bytes.subarray(at, at + pieceBytes));
      }
      const bodies = bodiesOf(parser);
      const isSame = bodies.length === parts.length && bodies.every((body, i) => body === parts[i]);
      if (!isSame || parser.finish() !== 'closed') wrong.push(cut);
    }
  }
  expect(wrong).toEqual([]);
});

test('a part in long pieces takes no more memory than its length', () => {
  const parser = new MultipartParser('B', limits);
  const text = 'x'.repeat(200_000);
  const bytes = Buffer.from(`--B\r\n${head}${text}\r\n--B--\r\n`);
  const held: number[] = [];
  for (let at = 0; at < bytes.length; at += 16_384) {
    parser.push(Buffer.from(bytes.subarray(at, at + 16_384)));
    const read = Math.min(bytes.length, at + 16_384) - '--B\r\n'.length;
    held.push(parser.parts.length === 0 ? parser.bufferedBytes - read : 0);
  }
  expect(new Set(held)).toEqual(new Set([0]));
  const [part] = parser.parts;
  expect(part?.kind === 'response' && part.body.buffer.byteLength).toBeLessThan(text.length + 100);
});

test.each([
  ['long and short pieces by turns', ['x'.repeat(1024), ',']],
  [
    'blanks that may belong to a delimiter',
    ['\r\n--B', ...Array<string>(40).fill(' '.repeat(16_384))],
  ],
])('the allocated memory is in proportion to the received bytes: %s', (_what, pieces) => {
  const rooms = jest.spyOn(Buffer, 'allocUnsafeSlow');
  const joined = jest.spyOn(Buffer, 'concat');
  const parser = new MultipartParser('B', limits);
  parser.push(Buffer.from('--B\r\n'));
  let bytes = 0;
  while (bytes < 600_000) {
    for (const piece of pieces) {
      parser.push(Buffer.from(piece));
      bytes += piece.length;
    }
  }
  const asked = [rooms, joined].flatMap(({ mock }) =>
    mock.results.map(({ value }) => value as Buffer),
  );
  expect(asked.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(4 * bytes);
});

describe('a line that is no delimiter is text, in one piece or byte by byte', () => {
  const lines = [
    ...['\rx--B\r\n', 'x--B\r\n', '\n--B\r\n', '\r\n--B\n', '\r\n--B\rX', '\r\n--Bx-\r\n'],
    ...['\r\n--B-\r\n', '\r\n--B-x\r\n', '\r\n--B--x\r\n', '\r\n--B x\r\n', '\r\n--B\t-\r\n'],
    ...['\r\n--BB\r\n', '\r\n--b\r\n', '\r\n-B\r\n', '\r\n--B \r', '\r\n---B\r\n'],
  ];
  test.each(lines)('%j', (line) => {
    const text = `--B\r\n${head}a${line}b\r\n--B--\r\n`;
    const expected = { ending: 'closed', bodies: [`a${line}b`] };
    expect(read(text)).toEqual(expected);
    expect(read(text, 1)).toEqual(expected);
  });

  test.each(['x--B\n', 'x--B--\n', '\n--Bx\n', '\n--B x\n'])(
    '%j if line feeds end lines',
    (line) => {
      const text = `--B\n${head}a${line}b\n--B--\n`;
      expect(read(text)).toEqual({ ending: 'closed', bodies: [`a${line}b`] });
      expect(read(text, 1)).toEqual({ ending: 'closed', bodies: [`a${line}b`] });
    },
  );

  test.each(['x--B\r\n', '\rx--B\r\n', 'a --B--\r\n', '--Bx\r\n', '--B\rx\r\n'])(
    '%j before the first delimiter',
    (line) => {
      const text = `${line}--B\r\n${head}{}\r\n--B--\r\n`;
      expect(read(text)).toEqual({ ending: 'closed', bodies: ['{}'] });
      expect(read(text, 1)).toEqual({ ending: 'closed', bodies: ['{}'] });
    },
  );
});

describe('the end of the bytes ends a line', () => {
  test.each([
    ['\r\n--B--', 'closed', ['{}']],
    ['\r\n--B--\r', 'closed', ['{}']],
    ['\r\n--B-- ', 'closed', ['{}']],
    ['\r\n--B', 'bare', ['{}']],
    ['\r\n--B\r', 'bare', ['{}']],
    ['\r\n--B\t', 'bare', ['{}']],
    ['\r\n--B-', 'open', []],
    ['\r\n--', 'open', []],
    ['\r\n--B\r\n\r', 'open', ['{}']],
    ['', 'open', []],
  ])('%j: %s', (end, ending, bodies) => {
    const text = `--B\r\n${head}{}${end}`;
    expect(read(text)).toEqual({ ending, bodies });
    expect(read(text, 1)).toEqual({ ending, bodies });
  });
});

test('a preamble is read up to maxPreambleBytes', () => {
  const answer = (preamble: number): string[] => [
    'x'.repeat(preamble),
    `\r\n--B\r\n${head}{}\r\n--B--`,
  ];
  const ending = (preamble: number): string => {
    const parser = new MultipartParser('B', limits);
    for (const piece of answer(preamble)) parser.push(Buffer.from(piece));
    return parser.finish();
  };
  // The last two bytes could begin a delimiter, so they do not count as preamble.
  expect(ending(4096 + 2)).toBe('closed');
  expect(ending(4096 + 3)).toBe('no-delimiter');
});

test('an overflow returns only maxParts parts', () => {
  const parser = new MultipartParser('B', { ...limits, maxParts: 1 });
  parser.push(Buffer.from(`--B\r\n${head}1\r\n--B\r\n${head}2\r\n--B\r\n${head}3\r\n`));
  expect(parser.bufferedBytes).toBe(0);
  parser.push(Buffer.from(`--B\r\n${head}4\r\n--B--`));
  expect([parser.finish(), bodiesOf(parser)]).toEqual(['overflow', ['1']]);
});
