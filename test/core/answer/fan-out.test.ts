import { describe, expect, test } from '@jest/globals';
import { PartReplies, relayedReply } from '../../../src/core/answer/fan-out.ts';
import { lengthOf, type Reply } from '../../../src/core/answer/reply.ts';
import { aKey, app } from '../../support/recording-sink.ts';
import type { ResponsePart } from '../../../src/core/wire/response-part.ts';

function aPart(status: number, headers: readonly string[], body: string): ResponsePart {
  return { kind: 'response', status, reason: 'R', headers, body: Buffer.from(body) };
}

const asked = { target: `${app}/me`, key: aKey('ann') };
const replyFromPart = (part: ResponsePart, envelope: readonly string[] = []): Reply =>
  new PartReplies(envelope).of(part, asked);
const bom = '\ufeff';

describe('the answer made from a part', () => {
  test('has the fields of the part, then of the envelope what the part does not say itself', () => {
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

  test('keeps no field that belongs to a connection, nor a length that is not its own', () => {
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
  ])('%s loses one byte order mark if it is JSON or XML', (type, body) => {
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

  test('has its fields as they stand on the wire, if they tell a date and are legal', () => {
    const lines = (...fields: string[]) => replyFromPart(aPart(200, fields, 'ab')).lines;
    expect(lines('ETag', '"1"', 'Date', 'D')).toBe('ETag: "1"\r\nDate: D\r\n');
    expect(lines('ETag', '"1"')).toBeUndefined();
    expect(lines('Date', 'D', 'X', 'a\r\nb')).toBeUndefined();
  });

  test('has nothing of the fields of other parts, whether theirs were the same or not', () => {
    const replies = new PartReplies(['Date', 'D']);
    const alike = ['ETag', '"1"'];
    const parts = [alike, alike, ['ETag', '"2"'], [], alike, ['Date', 'E']];
    expect(parts.map((fields) => replies.of(aPart(200, fields, ''), asked).lines)).toEqual([
      ...['ETag: "1"\r\nDate: D\r\n', 'ETag: "1"\r\nDate: D\r\n', 'ETag: "2"\r\nDate: D\r\n'],
      ...['Date: D\r\n', 'ETag: "1"\r\nDate: D\r\n', 'Date: E\r\n'],
    ]);
  });
});

test('a refused batch is relayed with its challenge and body, and without its length', () => {
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
