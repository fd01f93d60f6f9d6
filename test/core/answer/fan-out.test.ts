import { describe, expect, test } from '@jest/globals';
import { PartReplies, relayedReply } from '../../../src/core/answer/fan-out.ts';
import { lengthOf, type Reply } from '../../../src/core/messages/reply.ts';
import { aKey, app } from '../../support/recording-sink.ts';
import type { ResponsePart } from '../../../src/core/wire/response-part.ts';

function aPart(status: number, headers: readonly string[], body: string): ResponsePart {
  return { kind: 'response', status, reason: 'R', headers, body: Buffer.from(body) };
}

const asked = { target: `${app}/me`, key: aKey('ann') };
const replyFromPart = (part: ResponsePart, envelope: readonly string[] = []): Reply =>
  new PartReplies(envelope).of(part, asked);
const bom = '\ufeff';

describe('the response made from a part', () => {
  test('has the fields of the part, then those fields of the envelope that the part lacks', () => {
    const envelope = [
      ...['Content-Type', 'multipart/batching', 'date', 'D', 'Server', 'S', 'Content-Length', '9'],
      ...['Set-Cookie', 'a', 'Set-Cookie', 'b', 'X-Other', 'x', 'Via', 'v', 'Connection', 'close'],
    ];
    const reply = replyFromPart(aPart(200, ['ETag', '"1"', 'Server', 'mine'], 'ab'), envelope);
    expect(reply.headers).toEqual([
      ...['ETag', '"1"', 'Server', 'mine', 'date', 'D', 'Set-Cookie', 'a', 'Set-Cookie', 'b'],
      ...['Via', 'v'],
    ]);
    expect(reply.body.toString()).toBe('ab');
  });

  test('has the fields of the envelope that let a browser read it', () => {
    const cors = [
      ...['Access-Control-Allow-Origin', 'https://a', 'access-control-expose-headers', 'ETag'],
      ...['Timing-Allow-Origin', 'https://a'],
    ];
    const envelope = [...cors, 'Vary', 'Accept-Encoding, Origin'];
    expect(replyFromPart(aPart(200, [], ''), envelope).headers).toEqual([
      ...cors,
      'Vary',
      'Origin',
    ]);
    // A part that answers cross-origin requests itself keeps its answer.
    const own = ['Access-Control-Allow-Origin', '*', 'Vary', 'Accept, origin'];
    expect(replyFromPart(aPart(200, own, ''), envelope).headers).toEqual([
      ...own,
      ...cors.slice(4),
    ]);
  });

  test.each([
    ['Accept', ['Vary', 'Accept', 'Vary', 'Origin']],
    ['*', ['Vary', '*']],
  ])('with Vary: %s varies by the origin if the envelope does', (own, headers) => {
    const part = aPart(200, ['Vary', own], '');
    expect(replyFromPart(part, ['Vary', 'Origin']).headers).toEqual(headers);
  });

  test('does not vary by the encoding of the envelope', () => {
    expect(replyFromPart(aPart(200, [], ''), ['Vary', 'Accept-Encoding']).headers).toEqual([]);
  });

  test('has no hop-by-hop field and no length of the part', () => {
    const part = aPart(
      200,
      ['Connection', 'X-A', 'X-A', '1', 'Keep-Alive', '5', 'Content-Length', '7', 'Upgrade', 'h2c'],
      'ab',
    );
    expect(replyFromPart(part).headers).toEqual([]);
  });

  test.each([
    ['application/json; charset=utf-8', '{}'],
    ['application/vnd.microsoft.com.ucwa+xml', '{}'],
    ['text/xml', '{}'],
    ['text/plain', `${bom}{}`],
    ['text/html', `${bom}{}`],
  ])('of type %s loses one byte order mark if the type is JSON or XML', (type, body) => {
    const reply = replyFromPart(aPart(200, ['Content-Type', type], `${bom}{}`));
    expect(reply.body.toString()).toBe(body);
    expect(lengthOf(reply)).toBe(Buffer.byteLength(body));
  });

  test('a second byte order mark stays', () => {
    const part = aPart(200, ['Content-Type', 'application/json'], `${bom}${bom}{}`);
    expect(replyFromPart(part).body.toString()).toBe(`${bom}{}`);
  });

  test.each([204, 304])('%d has no length', (status) => {
    expect(lengthOf(replyFromPart(aPart(status, [], '')))).toBeUndefined();
  });

  test('has an encoded head if it has a reason phrase, a date and legal fields', () => {
    const head = (part: ResponsePart) => replyFromPart(part).head?.toString('latin1');
    const dated = ['ETag', '"1"', 'Date', 'D'];
    expect(head(aPart(200, dated, ''))).toBe('HTTP/1.1 200 R\r\nETag: "1"\r\nDate: D\r\n');
    expect(head(aPart(200, ['X', '\xe9', 'Date', 'D'], ''))).toMatch(/^X: \xe9\r$/m);
    expect(head({ ...aPart(200, dated, ''), reason: '' })).toBeUndefined();
    expect(head(aPart(200, ['ETag', '"1"'], ''))).toBeUndefined();
    expect(head(aPart(200, ['Date', 'D', 'X', 'a\r\nb'], ''))).toBeUndefined();
  });

  test('has the head of its own part, whether the previous head was the same or not', () => {
    const replies = new PartReplies(['Date', 'D']);
    const fields = ['ETag', '"1"'];
    const parts = [
      ...[aPart(200, fields, ''), aPart(200, fields, ''), aPart(404, fields, '')],
      ...[{ ...aPart(404, fields, ''), reason: 'No' }, aPart(404, ['ETag', '"2"'], '')],
      ...[aPart(404, [], ''), aPart(404, fields, ''), aPart(404, ['Date', 'E'], '')],
    ];
    expect(parts.map((part) => replies.of(part, asked).head?.toString('latin1'))).toEqual([
      ...Array<string>(2).fill('HTTP/1.1 200 R\r\nETag: "1"\r\nDate: D\r\n'),
      'HTTP/1.1 404 R\r\nETag: "1"\r\nDate: D\r\n',
      'HTTP/1.1 404 No\r\nETag: "1"\r\nDate: D\r\n',
      'HTTP/1.1 404 R\r\nETag: "2"\r\nDate: D\r\n',
      'HTTP/1.1 404 R\r\nDate: D\r\n',
      'HTTP/1.1 404 R\r\nETag: "1"\r\nDate: D\r\n',
      'HTTP/1.1 404 R\r\nDate: E\r\n',
    ]);
  });
});

test('the response to a refused batch is relayed with its challenge and body, without its length', () => {
  const envelope = [
    ...['WWW-Authenticate', 'Bearer x', 'WWW-Authenticate', 'MsRtcOAuth href="h"'],
    ...['Transfer-Encoding', 'chunked', 'Content-Type', 'text/html', 'Connection', 'close'],
  ];
  expect(relayedReply(401, 'Unauthorized', envelope, Buffer.from('no'))).toEqual({
    status: 401,
    reason: 'Unauthorized',
    headers: [
      ...['WWW-Authenticate', 'Bearer x', 'WWW-Authenticate', 'MsRtcOAuth href="h"'],
      ...['Content-Type', 'text/html'],
    ],
    body: Buffer.from('no'),
  });
});
