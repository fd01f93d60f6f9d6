import { describe, expect, test } from '@jest/globals';
import { MultipartParser } from '../../../src/core/wire/multipart-parser.ts';
import { batchingBoundary } from '../../../src/core/ucwa/boundary.ts';
import { exchangeNames, readExchange, splitMessage } from '../../support/exchanges.ts';

const limits = { maxParts: 50, maxPreambleBytes: 4096 };

/** Returns the parts as text, and the ending. */
function parse(boundary: string, bytes: Buffer, cuts: readonly number[] = [], maxParts = 50) {
  const parser = new MultipartParser(boundary, { ...limits, maxParts });
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    parser.push(bytes.subarray(from, cut));
    from = cut;
  }
  const ending = parser.finish();
  const parts = parser.parts.map((part) =>
    part.kind === 'malformed'
      ? part.why
      : `${part.status} ${part.reason}|${part.headers.join(',')}|${part.body.toString('latin1')}`,
  );
  return { ending, parts };
}

/** Returns a part in the format of real servers. */
const part = (head: string, body = ''): string =>
  `Content-Type: application/http; msgtype=response\r\n\r\n${head}\r\n\r\n${body}`;
const ok = part('HTTP/1.1 200 OK\r\nA: b', '{}');
const okOut = '200 OK|A,b|{}';

describe('MultipartParser', () => {
  test.each(exchangeNames)('reads %s correctly wherever its bytes are cut', (name) => {
    const { batchResponse, answers } = readExchange(name);
    const { head, body } = splitMessage(batchResponse);
    const type = /^Content-Type: (.*)$/m.exec(head)?.[1]?.trim();
    const boundary = batchingBoundary(type) ?? '';
    const whole = parse(boundary, body);
    expect(whole.ending).toBe('closed');
    expect(whole.parts).toHaveLength(answers.length);
    whole.parts.forEach((text, i) => {
      const expected = splitMessage(answers[i]!).body.toString('latin1');
      expect(text.split('|')[2]?.replace(/^\xef\xbb\xbf/, '')).toBe(expected);
    });
    const everyByte = Array.from({ length: body.length }, (_, i) => i);
    expect(parse(boundary, body, everyByte)).toEqual(whole);
    const text = JSON.stringify(whole);
    const misread = everyByte.filter(
      (cut) => JSON.stringify(parse(boundary, body, [cut])) !== text,
    );
    expect(misread).toEqual([]);
  });

  test.each([
    ['preamble, epilogue', `hello\r\n--B\r\n${ok}\r\n--B--\r\nbye`, [okOut], 'closed'],
    ['no line end at the end', `--B\r\n${ok}\r\n--B--`, [okOut], 'closed'],
    ['no dashes at the end', `--B\r\n${ok}\r\n--B\r\n`, [okOut], 'bare'],
    ['neither', `--B\r\n${ok}\r\n--B`, [okOut], 'bare'],
    ['blanks behind delimiters', `--B \t\r\n${ok}\r\n--B-- \r\n`, [okOut], 'closed'],
    ['bare line feeds around parts', `\n--B\n${ok}\n--B--\n`, [okOut], 'closed'],
    [
      'bare line feeds in parts',
      `\n--B\n${ok.replaceAll('\r', '')}\n--B--\n`,
      ['header'],
      'closed',
    ],
    [
      'an empty part header',
      '--B\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n\r\n--B--',
      ['204 No Content||'],
      'closed',
    ],
    ['no reason', `--B\r\n${part('HTTP/1.1 200')}\r\n--B--`, ['200 ||'], 'closed'],
    ['an empty reason', `--B\r\n${part('HTTP/1.1 200 ')}\r\n--B--`, ['200 ||'], 'closed'],
    ['blanks before colons', `--B\r\n${ok.replaceAll(':', ' :')}\r\n--B--`, [okOut], 'closed'],
    [
      'a folded field',
      `--B\r\n${part('HTTP/1.1 200 OK\r\nA: b\r\n\tc')}\r\n--B--`,
      ['200 OK|A,b c|'],
      'closed',
    ],
    [
      'no empty line after the head',
      '--B\r\n\r\nHTTP/1.1 204 No Content\r\nA: b\r\n--B--',
      ['204 No Content|A,b|'],
      'closed',
    ],
    ['a wrong length of the part', `--B\r\nContent-Length: 3\r\n${ok}\r\n--B--`, [okOut], 'closed'],
    [
      'a length without the last line end',
      `--B\r\n${part('HTTP/1.1 200 OK\r\nContent-Length: 2', '{}\r\n')}\r\n--B--`,
      ['200 OK|Content-Length,2|{}'],
      'closed',
    ],
    [
      'a length that is too small',
      `--B\r\n${part('HTTP/1.1 200 OK\r\nContent-Length: 1', '{}')}\r\n--B--`,
      ['200 OK|Content-Length,1|{}'],
      'closed',
    ],
    [
      'a length that is too large',
      `--B\r\n${part('HTTP/1.1 200 OK\r\nContent-Length: 9', '{}')}\r\n--B--`,
      ['cut_short'],
      'closed',
    ],
    [
      'a 304 with a length',
      `--B\r\n${part('HTTP/1.1 304 Not Modified\r\nContent-Length: 9')}\r\n--B--`,
      ['304 Not Modified|Content-Length,9|'],
      'closed',
    ],
    [
      'text that starts like a delimiter',
      `--B\r\n${part('HTTP/1.1 200 OK', '\r\n--BX\r\n--B-x\r\n --B\r\n')}\r\n--B--`,
      ['200 OK||\r\n--BX\r\n--B-x\r\n --B\r\n'],
      'closed',
    ],
    [
      'a delimiter behind a bare line feed as text if lines end with CRLF',
      `--B\r\n${part('HTTP/1.1 200 OK', 'a\n--B--\n')}\r\n--B--`,
      ['200 OK||a\n--B--\n'],
      'closed',
    ],
    [
      'a body that looks like a part',
      `--B\r\n${part('HTTP/1.1 200 OK', `HTTP/1.1 500 No\r\nA: b\r\n\r\n${ok}`)}\r\n--B--`,
      [`200 OK||HTTP/1.1 500 No\r\nA: b\r\n\r\n${ok}`],
      'closed',
    ],
    ['nothing', '', [], 'no-delimiter'],
    ['no delimiter', '<html>', [], 'no-delimiter'],
    [
      'an end in the middle of a part',
      `--B\r\n${ok}\r\n--B\r\n${ok.slice(0, 20)}`,
      [okOut],
      'open',
    ],
    ['an end inside a close delimiter', `--B\r\n${ok}\r\n--B-`, [], 'open'],
    ['an empty message', '--B--', [], 'closed'],
  ])('reads %s', (_what, text, parts, ending) => {
    const bytes = Buffer.from(text, 'latin1');
    expect(parse('B', bytes)).toEqual({ ending, parts });
    const everyByte = Array.from({ length: bytes.length }, (_, i) => i);
    expect(parse('B', bytes, everyByte)).toEqual({ ending, parts });
  });

  test.each([
    ['status_line', 'HTTP/1.1 99 x\r\nA: b'],
    ['status_line', 'HTTP/1.1 101 Switching'],
    ['status_line', 'HTTP/1.1 600 x'],
    ['status_line', 'HTTP/2 200 OK'],
    ['status_line', 'HTTP/1.1200OK'],
    ['header', 'HTTP/1.1 200 OK\r\nno colon here'],
    ['header', 'HTTP/1.1 200 OK\r\nbad name: x'],
    ['header', 'HTTP/1.1 200 OK\r\nA: b\0c'],
    ['transfer_encoding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked'],
    ['head_too_large', `HTTP/1.1 200 OK\r\nA: ${'b'.repeat(17_000)}`],
    ['head_too_large', `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(101)}`],
  ])('a malformed part does not affect other parts: %s', (why, head) => {
    const text = `--B\r\n${ok}\r\n--B\r\n${part(head)}\r\n--B\r\n${ok}\r\n--B--`;
    expect(parse('B', Buffer.from(text, 'latin1'))).toEqual({
      ending: 'closed',
      parts: [okOut, why, okOut],
    });
  });

  test('a part of another type or coding is not read', () => {
    const html = ok.replace('application/http; msgtype=response', 'text/html');
    const coded = ok.replace('\r\n\r\n', '\r\nContent-Transfer-Encoding: base64\r\n\r\n');
    const text = `--B\r\n${html}\r\n--B\r\n${coded}\r\n--B--`;
    expect(parse('B', Buffer.from(text)).parts).toEqual(['part_type', 'part_encoding']);
  });

  test('at most maxParts parts are read', () => {
    const text = `--B\r\n${`${ok}\r\n--B\r\n`.repeat(1000)}`;
    const { ending, parts } = parse('B', Buffer.from(text), [], 2);
    expect(ending).toBe('overflow');
    expect(parts).toHaveLength(2);
  });

  test('an endless preamble is not kept', () => {
    const parser = new MultipartParser('B', limits);
    for (let i = 0; i < 10_000; i += 1) parser.push(Buffer.alloc(1024, 'x'));
    expect(parser.bufferedBytes).toBe(0);
    expect(parser.finish()).toBe('no-delimiter');
  });
});
