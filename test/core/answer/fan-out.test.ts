import { describe, expect, test } from '@jest/globals';
import { relayedReply, replyFromPart, sharedHeaders } from '../../../src/core/answer/fan-out.ts';
import { aKey, app } from '../../support/recording-sink.ts';
import type { ResponsePart } from '../../../src/core/wire/response-part.ts';

function aPart(status: number, headers: readonly string[], body: string): ResponsePart {
  return { kind: 'response', status, reason: 'R', headers, body: Buffer.from(body) };
}

const asked = { target: `${app}/me`, key: aKey('ann') };
const bom = '\ufeff';

describe('the answer made from a part', () => {
  test('has the fields of the part, then of the envelope what the part does not say itself', () => {
    const shared = sharedHeaders([
      ...['Content-Type', 'multipart/batching', 'date', 'D', 'Server', 'S', 'Content-Length', '9'],
      ...['Set-Cookie', 'a', 'Set-Cookie', 'b', 'X-Other', 'x', 'Via', 'v', 'Connection', 'close'],
    ]);
    const reply = replyFromPart(aPart(200, ['ETag', '"1"', 'Server', 'mine'], 'ab'), shared, asked);
    expect(reply.headers).toEqual([
      ...['ETag', '"1"', 'Server', 'mine', 'date', 'D', 'Set-Cookie', 'a', 'Set-Cookie', 'b'],
      ...['Via', 'v', 'Content-Length', '2'],
    ]);
    expect(reply.body.toString()).toBe('ab');
  });

  test('keeps no field that belongs to a connection, nor a length that is not its own', () => {
    const part = aPart(
      200,
      ['Connection', 'X-A', 'X-A', '1', 'Keep-Alive', '5', 'Content-Length', '7', 'Upgrade', 'h2c'],
      'ab',
    );
    expect(replyFromPart(part, [], asked).headers).toEqual(['Content-Length', '2']);
  });

  test.each([
    ['application/json; charset=utf-8', '{}'],
    ['application/vnd.microsoft.com.ucwa+xml', '{}'],
    ['text/xml', '{}'],
    ['text/plain', `${bom}{}`],
    ['text/html', `${bom}{}`],
  ])('%s loses one byte order mark if it is JSON or XML', (type, body) => {
    const reply = replyFromPart(aPart(200, ['Content-Type', type], `${bom}{}`), [], asked);
    expect(reply.body.toString()).toBe(body);
    expect(reply.headers.at(-1)).toBe(String(Buffer.byteLength(body)));
  });

  test('a second byte order mark stays', () => {
    const part = aPart(200, ['Content-Type', 'application/json'], `${bom}${bom}{}`);
    expect(replyFromPart(part, [], asked).body.toString()).toBe(`${bom}{}`);
  });

  test.each([204, 304])('%d has no length', (status) => {
    expect(replyFromPart(aPart(status, [], ''), [], asked).headers).toEqual([]);
  });
});

test('a refused batch is relayed with its challenge and body, and a length of its own', () => {
  const envelope = [
    ...['WWW-Authenticate', 'Bearer x', 'WWW-Authenticate', 'MsRtcOAuth href="h"'],
    ...['Transfer-Encoding', 'chunked', 'Content-Type', 'text/html', 'Connection', 'close'],
  ];
  expect(relayedReply(401, 'Unauthorized', envelope, Buffer.from('no'))).toEqual({
    status: 401,
    reason: 'Unauthorized',
    headers: [
      ...['WWW-Authenticate', 'Bearer x', 'WWW-Authenticate', 'MsRtcOAuth href="h"'],
      ...['Content-Type', 'text/html', 'Content-Length', '2'],
    ],
    body: Buffer.from('no'),
  });
});
