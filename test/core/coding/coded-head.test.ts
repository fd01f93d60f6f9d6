import { describe, expect, test } from '@jest/globals';
import {
  codedHead,
  decodedHead,
  lengthIn,
  mayCode,
  notModifiedHead,
  variedHead,
} from '../../../src/core/coding/coded-head.ts';
import { strongConditions } from '../../../src/core/coding/strong-conditions.ts';
import { mayHaveToken } from '../../../src/core/ucwa/token-answers.ts';

const json = ['Content-Type', 'application/json; charset=utf-8'];

describe('an answer may be coded', () => {
  test.each([
    ...['application/json', 'Application/JSON;charset=utf-8', 'application/xml', 'text/plain'],
    ...['application/vnd.microsoft.com.ucwa+xml', 'application/problem+json', 'text/html'],
    ...['image/svg+xml', 'multipart/batching; boundary="b"', 'text/event-stream'],
  ])('as %s', (type) => {
    expect(mayCode(200, ['content-type', type])).toBe(true);
  });

  test.each([
    ...['image/jpeg', 'application/octet-stream', 'application/jsonp', 'multipart/form-data', ''],
    ...['application/x-gzip', 'video/mp4', 'text', 'application/sdp'],
  ])('not as %p', (type) => {
    expect(mayCode(200, ['Content-Type', type])).toBe(false);
  });

  test.each([
    ['without a type', 200, []],
    ['if it is coded', 200, [...json, 'Content-Encoding', 'gzip']],
    [
      'if it is coded with a coding that the proxy does not know',
      200,
      [...json, 'content-encoding', 'zstd'],
    ],
    ['if it has a transfer coding', 200, [...json, 'Transfer-Encoding', 'gzip, chunked']],
    ['with no-transform', 200, [...json, 'Cache-Control', 'private,No-Transform']],
    ['if it is a part', 206, [...json, 'Content-Range', 'bytes 0-1/2']],
    ['with a Content-Range under another status', 200, [...json, 'Content-Range', 'bytes 0-1/2']],
    ['without a body: 204', 204, json],
    ['without a body: 304', 304, json],
  ])('not %s', (_, status, headers) => {
    expect(mayCode(status, headers)).toBe(false);
  });
});

test('a coded answer has a weak tag, and no field that describes other bytes', () => {
  const headers = [
    ...[...json, 'Content-Length', '5000', 'ETag', '"a"', 'Accept-Ranges', 'bytes'],
    ...['Content-MD5', 'x', 'Repr-Digest', 'y', 'X-Nonce', '1'],
  ];
  expect(codedHead(headers, 'gzip')).toEqual([
    ...[...json, 'ETag', 'W/"a"', 'X-Nonce', '1'],
    ...['Content-Encoding', 'gzip', 'Vary', 'Accept-Encoding'],
  ]);
  expect(codedHead(['ETag', 'W/"a"'], 'br').slice(0, 2)).toEqual(['ETag', 'W/"a"']);
});

test.each([
  ['Origin', 'Origin, Accept-Encoding'],
  ['accept-encoding, Origin', 'accept-encoding, Origin'],
  ['*', '*'],
  ['', 'Accept-Encoding'],
])('Vary: %p becomes %p', (before, after) => {
  expect(variedHead(['Vary', before])).toEqual(['Vary', after]);
});

describe('a 304', () => {
  const headers = ['ETag', '"a"'];
  test('has the weak tag that the client asked with', () => {
    const asked = ['If-None-Match', '"b", W/"a"'];
    expect(notModifiedHead(headers, asked)).toEqual(['ETag', 'W/"a"', 'Vary', 'Accept-Encoding']);
  });
  test.each([['"a"'], ['W/"b"']])('stays as it is if the client asked with %s', (tag) => {
    expect(notModifiedHead(headers, ['If-None-Match', tag])).toBe(headers);
  });
});

test('the weak tags of If-Match become strong, and no other tag does', () => {
  const headers = ['If-Match', 'W/"a", "b" ,W/"c,W/"', 'If-None-Match', 'W/"a"', 'X', 'W/"a"'];
  expect(strongConditions(headers)).toEqual([
    ...['If-Match', '"a", "b" ,"c,W/"', 'If-None-Match', 'W/"a"', 'X', 'W/"a"'],
  ]);
});

test.each([
  ['/webticket/oauthtoken', true],
  ['//WebTicket/WebTicketService.svc/mex', true],
  ['/%77eb%54icket/oauthtoken', true],
  ['/ucwa/oauth/v1/applications/1/people/contacts', false],
])('the answer to %s can have a token: %p', (target, isPossible) => {
  expect(mayHaveToken(target)).toBe(isPossible);
});

test('a decoded answer has no field that describes the coded bytes', () => {
  const coded = ['Content-Type', 'application/json', 'Content-Encoding', 'gzip', 'ETag', '"a"'];
  expect(decodedHead([...coded, 'content-length', '20'])).toEqual([
    ...['Content-Type', 'application/json'],
    ...['ETag', '"a"'],
  ]);
});

test('the length is that of Content-Length', () => {
  expect(lengthIn(['content-LENGTH', '12'])).toBe(12);
  expect(lengthIn(['Content-Type', 'text/plain'])).toBeUndefined();
});
