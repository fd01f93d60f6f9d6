import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { BatchAnswerWriter } from '../../../src/simulator/batch/batch-answer.ts';
import {
  batchBoundary,
  BatchSyntaxError,
  parseBatch,
} from '../../../src/simulator/batch/batch-parser.ts';
import { batchText, boundary, get, part, post } from './batch-text.ts';

function capture(name: string): { head: string; body: Buffer } {
  const bytes = readFileSync(new URL(`fixtures/${name}.http`, import.meta.url));
  const end = bytes.indexOf('\r\n\r\n');
  return { head: bytes.toString('latin1', 0, end), body: bytes.subarray(end + 4) };
}

function parseCapture(name: string) {
  const { head, body } = capture(name);
  const type = /^Content-Type: (.*)$/m.exec(head)?.[1] ?? '';
  return parseBatch(body, batchBoundary(type.trim()) ?? '');
}

describe('captured requests', () => {
  test('two GETs of 2013 are parsed', () => {
    const application = '/ucwa/oauth/v1/applications/104209230921';
    const headers = ['Host', 'lyncweb.domain.com', 'Accept', 'application/json'];
    const common = { mimeHead: 'Content-Type: application/http; msgtype=request', headers };
    expect(parseCapture('2013-contacts-and-me-request')).toMatchObject([
      { ...common, method: 'GET', target: `${application}/people/contacts` },
      { ...common, method: 'GET', target: `${application}/me` },
    ]);
  });

  test('the body of a POST of 2013 has 31 bytes, without the following CRLF', () => {
    const parts = parseCapture('2013-note-request');
    expect(parts.map(({ method }) => method)).toEqual(['GET', 'GET', 'POST']);
    expect(parts[2]?.body.toString()).toBe('{\r\n  "message": "hello ucwa"\r\n}');
  });
});

test('the writer produces the answer of 2013, except for the byte order mark', () => {
  const application = '/ucwa/oauth/v1/applications/101384582682';
  const { body } = capture('2013-note-response');
  const writer = new BatchAnswerWriter('76b633fe-d111-4876-ba20-5e02a1e526d2', []);
  const json = ['Cache-Control', 'no-cache', 'Content-Type', 'application/json; charset=utf-8'];
  const answers = [
    {
      status: 200,
      headers: json,
      body: `{"availability":"DoNotDisturb","_links":{"self":{"href":"${application}/me/presence"}},"rel":"presence"}`,
    },
    {
      status: 200,
      headers: json,
      body: `{"message":"","type":"Personal","_links":{"self":{"href":"${application}/me/note"}},"rel":"note"}`,
    },
    { status: 204, headers: ['Cache-Control', 'no-cache'], body: '' },
  ].map((answer) => ({ ...answer, body: Buffer.from(answer.body) }));
  const written = Buffer.concat([
    writer.begin(),
    ...answers.map((answer, i) => writer.part({ answer, moreHeaders: [] }, i, i === 2)),
  ]);
  expect(written.toString()).toBe(body.toString().replace('{', '\ufeff{'));
});

describe('the boundary', () => {
  test.each([
    ['multipart/batching;boundary=abc', 'abc'],
    ['multipart/batching; boundary="a b=c"', 'a b=c'],
    ['Multipart/Batching ; charset=x; Boundary=abc', 'abc'],
    ['multipart/mixed; boundary=abc', undefined],
    ['multipart/batchings; boundary=abc', undefined],
    ['', undefined],
  ])('of %p is parsed as %p', (type, expected) => {
    expect(batchBoundary(type)).toBe(expected);
  });

  test.each([
    'multipart/batching',
    'multipart/batching; boundary=',
    'multipart/batching; boundary="a;b"',
    'multipart/batching; boundary="abc "',
    `multipart/batching; boundary=${'x'.repeat(71)}`,
  ])('of %p is refused', (type) => {
    expect(() => batchBoundary(type)).toThrow(BatchSyntaxError);
  });
});

describe('the parser accepts', () => {
  const target = '/ucwa/oauth/v1/applications/1/me';
  const good = get(target);
  test.each([
    ['no CRLF before the first delimiter', batchText([good]).slice(2)],
    ['no CRLF after the close delimiter', batchText([good]).slice(0, -2)],
    ['a wrong Content-Length of a part', batchText([`Content-Length: 9\r\n${good}`])],
    [
      'a Content-Transfer-Encoding of a part',
      batchText([`Content-Transfer-Encoding: binary\r\n${good}`]),
    ],
    ['a content type without spaces', batchText([good.replace('; msgtype', ';msgtype')])],
  ])('%s', (_, text) => {
    expect(parseBatch(Buffer.from(text), boundary)).toMatchObject([{ method: 'GET', target }]);
  });

  test('bodies with lines that look like delimiters of another boundary', () => {
    const body = '\r\n--\r\n--8963d8ed--\r\n\r\n';
    const [parsed] = parseBatch(Buffer.from(batchText([post(target, body)])), boundary);
    expect(parsed?.body.toString()).toBe(body);
  });
});

describe('the parser refuses', () => {
  const target = '/ucwa/oauth/v1/applications/1/me';
  const good = get(target);
  const text = batchText([good]);
  const withField = (field: string) => batchText([good.replace('Accept', `${field}\r\nAccept`)]);
  test.each([
    ['an empty body', ''],
    ['a preamble other than CRLFs', `x${text}`],
    ['an epilogue', `${text}x`],
    ['a missing close delimiter', text.replace(`${boundary}--\r\n`, boundary)],
    ['a batch without parts', `--${boundary}--\r\n`],
    ['an empty part', `--${boundary}\r\n--${boundary}--\r\n`],
    ['text after a delimiter', text.replace(boundary, `${boundary}x`)],
    ['bare LFs', text.replaceAll('\r\n', '\n')],
    ['no blank line after the head of the message', text.replace('\r\n\r\n\r\n', '\r\n\r\n')],
    ['a part of another type', text.replace('application/http', 'text/plain')],
    [
      'a part without a type',
      batchText([`\r\n${good.split('\r\n\r\n').slice(1).join('\r\n\r\n')}`]),
    ],
    ['an unknown part field', batchText([`Content-ID: 1\r\n${good}`])],
    ['a method in lower case', text.replace('GET ', 'get ')],
    ['a space in the target', text.replace('/me', '/m e')],
    ['HTTP/1.0', text.replace('HTTP/1.1', 'HTTP/1.0')],
    ['a space before the colon', withField('X-A : b')],
    ['a folded field', withField('X-A: b\r\n c')],
    ['a bare CR in a field', withField('X-A: b\rc')],
    ['a Transfer-Encoding', withField('Transfer-Encoding: chunked')],
    ['a Content-Length that is not a number', withField('Content-Length: +1')],
    ['two Content-Lengths', withField('Content-Length: 0\r\nContent-Length: 0')],
    ['a body shorter than its length', withField('Content-Length: 1')],
    ['a body longer than its length', batchText([`${good}x`])],
    ['a message without a request line', batchText([part(['Host: pool.test'])])],
  ])('%s', (_, bad) => {
    expect(() => parseBatch(Buffer.from(bad), boundary)).toThrow(BatchSyntaxError);
  });
});
