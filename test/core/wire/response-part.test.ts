import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PartReader } from '../../../src/core/wire/response-part.ts';

function partIn(text: string): ReturnType<PartReader['read']> {
  const bytes = Buffer.from(text, 'latin1');
  return new PartReader().read(bytes, 0, bytes.length);
}

/** Returns the result for a part as one line: why the part is malformed, or its content. */
function read(text: string): string {
  const part = partIn(text);
  if (part.kind === 'malformed') return part.why;
  expect(part.kind).toBe('response');
  const fields = part.headers.join('|');
  return `${part.status} "${part.reason}" [${fields}] ${JSON.stringify(part.body.toString('latin1'))}`;
}

const http = 'Content-Type: application/http\r\n\r\n';
const answer = (head: string, body = ''): string => `${http}${head}\r\n\r\n${body}`;
const ok = (fields: string, body = ''): string => answer(`HTTP/1.1 200 OK${fields}`, body);

describe('the header of a part', () => {
  const inner = 'HTTP/1.1 200 OK\r\n\r\n';
  const fine = '200 "OK" [] ""';

  test.each([
    ['', fine],
    ['Content-Type: application/http', fine],
    ['content-type: APPLICATION/HTTP ; msgtype=response', fine],
    ['Content-Type: application/http\t;a=b', fine],
    ['Content-Type: application/https', 'part_type'],
    ['Content-Type: x-application/http', 'part_type'],
    ['Content-Type: application/http x', 'part_type'],
    ['Content-Type: text/plain;a=application/http', 'part_type'],
    ['Content-Transfer-Encoding: binary', fine],
    ['Content-Transfer-Encoding: 8BIT', fine],
    ['Content-Transfer-Encoding: 7bit', fine],
    ['Content-Transfer-Encoding: x7bit', 'part_encoding'],
    ['Content-Transfer-Encoding: binary-not', 'part_encoding'],
    ['nonsense', 'header'],
    [': a', 'header'],
    [` folded at once`, 'header'],
    [`A: ${'b'.repeat(17_000)}`, 'head_too_large'],
  ])('%j: %s', (field, expected) => {
    expect(read(`${field}${field === '' ? '' : '\r\n'}\r\n${inner}`)).toBe(expected);
  });
});

describe('a status line', () => {
  test.each([
    ['HTTP/1.1 200 OK', '200 "OK" [] ""'],
    ['HTTP/1.0 599 \tx\xff', '599 "\tx\xff" [] ""'],
    ['HTTP/1.1 200', '200 "" [] ""'],
    ['HTTP/1.1 200 ', '200 "" [] ""'],
    ['xHTTP/1.1 200 OK', 'status_line'],
    ['HTTP/1.1 200 O\x01K', 'status_line'],
    ['HTTP/1.1 200 O\x7fK', 'status_line'],
    ['HTTP/1.1 2000', 'status_line'],
    ['HTTP/1.1 20', 'status_line'],
    ['HTTP/1.1 199 x', 'status_line'],
    ['HTTP/1.1 600 x', 'status_line'],
    ['HTTP/1.2 200 OK', 'status_line'],
    ['http/1.1 200 OK', 'status_line'],
    ['HTTP/1.1  200 OK', 'status_line'],
    ['HTTP/1.1 20x OK', 'status_line'],
    ['HTTP/1.1 2x0 OK', 'status_line'],
    ['', 'status_line'],
  ])('%j: %s', (line, expected) => {
    expect(read(answer(line))).toBe(expected);
  });

  test('may end the part', () => {
    expect(read(`${http}HTTP/1.1 204 No Content`)).toBe('204 "No Content" [] ""');
    expect(read(http)).toBe('status_line');
    expect(read('')).toBe('status_line');
  });
});

describe('a line that does not end in exactly CRLF makes the part malformed', () => {
  const bare = (line: string): string =>
    `Content-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\nC: d\r\n\r\n{}`.replace(
      `${line}\r\n`,
      `${line}\n`,
    );

  test.each([
    ['in the header of the part', bare('application/http'), 'header'],
    ['after the header of the part', bare('application/http\r\n'), 'header'],
    ['the status line', bare('OK'), 'status_line'],
    ['the first field', bare('b'), 'header'],
    ['the last field', bare('d'), 'header'],
    ['the empty line', bare('d\r\n'), 'header'],
    ['a folded line', ok('\r\nA: b\r\n c\nD: e'), 'header'],
    ['every line', ok('\r\nA: b').replaceAll('\r\n', '\n'), 'header'],
    ['a surplus carriage return', ok('\r\nA: b\r\r\nC: d'), 'header'],
    ['a carriage return alone', ok('\r\nA: b\rC: d'), 'header'],
    [
      'a surplus carriage return after the status',
      `${http}HTTP/1.1 200 OK\r\r\n\r\n`,
      'status_line',
    ],
  ])('%s', (_where, text, expected) => {
    expect(read(text)).toBe(expected);
  });

  test('but not in the body', () => {
    expect(read(ok('', '{\n}\n'))).toBe('200 "OK" [] "{\\n}\\n"');
  });

  test('also after a part with the same fields', () => {
    const texts = [ok('\r\nA: b', '{}'), ok('\r\nA: b', '{}').replace('A: b\r\n', 'A: b\n')];
    const bytes = Buffer.from(texts.join(''), 'latin1');
    const reader = new PartReader();
    const end = texts[0]!.length;
    expect(reader.read(bytes, 0, end).kind).toBe('response');
    expect(reader.read(bytes, end, bytes.length)).toEqual({ kind: 'malformed', why: 'header' });
  });
});

describe('fields', () => {
  test.each([
    ['A: b', '[A|b]'],
    ['A:b', '[A|b]'],
    ['A:\t b\t ', '[A|b]'],
    ['A : b', '[A|b]'],
    ['A:', '[A|]'],
    ['A: b: c', '[A|b: c]'],
    ['A: b\r\nA: c', '[A|b|A|c]'],
    ['A: b\r\n c', '[A|b c]'],
    ['A: b\r\n\t c \r\n d', '[A|b c d]'],
    ['A: b ', '[A|b]'],
    ['A: b \r\nC: d', '[A|b|C|d]'],
    // Byte A0, half of an à in UTF-8, is a blank in Unicode but not in HTTP.
    ['A: Voil\xc3\xa0', '[A|Voil\xc3\xa0]'],
    ['A:\xa0b\xa0', '[A|\xa0b\xa0]'],
    ['A: b\r\n \xc3\xa0 ', '[A|b \xc3\xa0]'],
  ])('%j are read as %s', (fields, expected) => {
    expect(read(ok(`\r\n${fields}`))).toBe(`200 "OK" ${expected} ""`);
  });

  test.each([
    'no colon',
    ': b',
    'a b: c',
    'a(b): c',
    'A\xa0: b',
    'A\x0b: b',
    'A: \x0bb',
    'A: b\f',
    'A: b\0',
    'A: b\rC: d',
    'A: b\r\n c\x01',
  ])('%j make the part malformed', (fields) => {
    expect(read(ok(`\r\n${fields}`))).toBe('header');
  });

  test('a first line that begins with a blank is illegal', () => {
    expect(read(`${http}HTTP/1.1 200 OK\r\n A: b\r\n\r\n`)).toBe('header');
    expect(read(`${http}HTTP/1.1 200 OK\r\n\tA: b\r\n\r\n`)).toBe('header');
  });

  test('at most 100 are read', () => {
    const fields = (count: number): string => '\r\nA: b'.repeat(count);
    expect(read(ok(fields(100)))).toContain('200 "OK"');
    expect(read(ok(fields(101)))).toBe('head_too_large');
  });

  test('at most 16 KiB of fields are read, whatever the length of the part header', () => {
    const field = (bytes: number): string => `\r\nA: ${'b'.repeat(bytes - 'A: \r\n'.length)}`;
    const long = `X: ${'y'.repeat(16_000)}\r\n`;
    // The empty line counts too.
    expect(read(long + ok(field(16_382)))).toContain('200 "OK"');
    expect(read(long + ok(field(16_383)))).toBe('head_too_large');
  });

  test('a transfer coding is illegal in a part', () => {
    expect(read(ok('\r\nTransfer-Encoding: identity'))).toBe('transfer_encoding');
  });
});

describe('a body', () => {
  const sized = (length: string, body: string, status = '200 OK'): string =>
    answer(`HTTP/1.1 ${status}\r\nContent-Length: ${length}`, body);
  const bodyOf = (text: string): unknown => {
    const part = partIn(text);
    return part.kind === 'malformed' ? part.why : part.body.toString('latin1');
  };

  test.each([
    ['without a length is the rest of the part', ok('', '{}\r\n'), '{}\r\n'],
    ['of exactly the length', sized('2', '{}'), '{}'],
    ['of ten bytes', sized('10', '0123456789'), '0123456789'],
    ['with a surplus line end', sized('2', '{}\r\n'), '{}'],
    ['with a surplus bare line feed', sized('2', '{}\n'), '{}'],
    ['with two surplus line ends', sized('2', '{}\r\n\n'), '{}'],
    ['with four surplus line ends', sized('2', '{}\r\n\r\n\r\n\r\n'), '{}'],
    ['with text after its length: the length is ignored', sized('2', '{}text'), '{}text'],
    ['with a surplus line end and text', sized('2', '{}\r\ntext'), '{}\r\ntext'],
    ['with a surplus carriage return', sized('2', '{}\r'), '{}\r'],
    ['with surplus text between line ends', sized('0', '\r\nx\r\n'), '\r\nx\r\n'],
    ['with a missing byte', sized('3', '{}'), 'cut_short'],
    ['with no bytes', sized('1', ''), 'cut_short'],
    ['of length 0', sized('0', ''), ''],
    ['with a length that is no number', sized('x2', '{}'), '{}'],
    ['with a length that begins like a number', sized('9x', '{}'), '{}'],
    ['with a negative length', sized('-1', '{}'), '{}'],
    ['with a length of sixteen digits, which is ignored', sized('9'.repeat(16), '{}'), '{}'],
    ['with a length of fifteen digits', sized('9'.repeat(15), '{}'), 'cut_short'],
    ['of a 204 is empty', sized('9', '{}', '204 No Content'), ''],
    ['of a 304 is empty', sized('9', '{}', '304 Not Modified'), ''],
    ['of a 205 is empty', sized('2', '{}', '205 Reset Content'), ''],
    ['of a 205 without a length is empty', answer('HTTP/1.1 205 Reset Content', '{}'), ''],
  ])('%s', (_what, text, expected) => {
    expect(bodyOf(text)).toBe(expected);
  });
});

describe('a part with long heads', () => {
  const filler = (bytes: number): string =>
    `X-Filler: ${'a'.repeat(bytes - 'X-Filler: \r\n'.length)}\r\n`;
  const headOf = (bytes: number): string => {
    const rest = bytes - http.length;
    return `Content-Type: application/http\r\n${rest > 0 ? filler(rest) : ''}\r\n`;
  };
  const statusOf = (bytes: number): string => `HTTP/1.1 200 ${'r'.repeat(bytes - 15)}\r\n`;

  test.each([
    ['just longer than usual', 2040, 20, 300],
    ['of the maximum length', 16_384, 1024, 16_000],
  ])('is read, with heads %s', (_how, head, status, fields) => {
    const text = `${headOf(head)}${statusOf(status)}${filler(fields)}\r\nbody`;
    expect(read(text)).toMatch(/^200 ".*" \[X-Filler\|a+\] "body"$/);
  });

  test('is malformed if its heads are too long', () => {
    const field = filler(256);
    const text = `${headOf(16_384)}${statusOf(1024)}${field.repeat(16_384 / 256)}${field}\r\nbody`;
    expect(read(text)).toBe('head_too_large');
  });
});

test('a part is read independently of previous parts', () => {
  const heads = [
    ...[ok('\r\nContent-Type: a/b'), ok('\r\nContent-Type: a/b\r\nContent-Length: 2'), ok('')],
    ...[answer('HTTP/1.1 204 No Content\r\nContent-Length: 9'), answer('HTTP/1.1 404 Not Found')],
    // Heads without an empty line, with bare line feeds, and texts that are no head.
    ...[`${http}HTTP/1.1 200 OK\r\nA: b`, `${http}HTTP/1.1 200 OK\r\nA: b\r\n`],
    ...[ok('').replaceAll('\r', ''), '\r\nHTTP/1.1 200 OK\r\n\r\n', http, '', 'nonsense'],
  ];
  const bodies = [
    '',
    '{}',
    'C: d\r\n\r\nx',
    '\r\n',
    '\r\n\r\n',
    'HTTP/1.1 500 No\r\n\r\n',
    'x'.repeat(3000),
  ];
  const parts = fc.tuple(fc.constantFrom(...heads), fc.constantFrom(...bodies));
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 8 }), (pieces) => {
      const texts = pieces.map((piece) => piece.join(''));
      const bytes = Buffer.from(texts.join(''), 'latin1');
      const reader = new PartReader();
      let end = 0;
      for (const text of texts) {
        const start = end;
        end += text.length;
        expect(reader.read(bytes, start, end)).toEqual(partIn(text));
      }
    }),
    { numRuns: 3000 },
  );
});
