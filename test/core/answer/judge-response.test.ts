import { describe, expect, test } from '@jest/globals';
import { judgeResponse } from '../../../src/core/answer/judge-response.ts';

function judged(status: number, headers: readonly string[] = []): string {
  const verdict = judgeResponse(status, headers);
  if (verdict.kind === 'parts') return `parts ${verdict.boundary} ${verdict.coding ?? ''}`.trim();
  return verdict.kind === 'relay' ? 'relay' : `${verdict.fault.phase} ${verdict.fault.name}`;
}

const multipart = ['Content-Type', 'multipart/batching; boundary="B"'];
const json = ['Content-Type', 'application/json; charset=utf-8'];

describe('judgeResponse', () => {
  test.each<[string, number, readonly string[], string]>([
    ['parts', 200, multipart, 'parts B'],
    ['parts said to be identity', 200, [...multipart, 'Content-Encoding', 'identity'], 'parts B'],
    [
      'parts that were compressed unasked',
      200,
      [...multipart, 'Content-Encoding', 'GZip'],
      'parts B gzip',
    ],
    ['the same, deflated', 200, [...multipart, 'Content-Encoding', 'deflate'], 'parts B deflate'],
    ['a sign-in page', 200, ['Content-Type', 'text/html'], 'unknown http_protocol_error'],
    ['no type', 200, [], 'unknown http_protocol_error'],
    [
      'a coding that was not asked for',
      200,
      [...multipart, 'content-encoding', 'br'],
      'unknown http_response_content_coding',
    ],
    ['an expired credential', 401, ['Content-Type', 'text/html'], 'relay'],
    ['a forbidden origin', 403, json, 'relay'],
    ['an application that is gone', 404, json, 'relay'],
    [
      'the same in UCWA error JSON',
      404,
      ['Content-Type', 'application/vnd.microsoft.com.ucwa.error+json'],
      'relay',
    ],
    ['no batch resource', 404, ['Content-Type', 'text/html'], 'unsent destination_unavailable'],
    ['no batch method', 405, json, 'unsent destination_unavailable'],
    ['too large a batch', 413, json, 'unsent destination_unavailable'],
    ['no batch type', 415, json, 'unsent destination_unavailable'],
    ['no batches', 501, [], 'unsent destination_unavailable'],
    ['a dead application', 410, json, 'relay'],
    ['too many outstanding calls', 429, json, 'relay'],
    ['a malformed batch', 400, json, 'unknown http_protocol_error'],
    ['a conflict of somebody in it', 409, json, 'unknown http_protocol_error'],
    ['a redirect', 302, [], 'unknown http_protocol_error'],
    ['a failure of the pool', 500, json, 'relay'],
    ['a pool in trouble', 503, ['Content-Type', 'text/html'], 'relay'],
  ])('%s', (_what, status, headers, expected) => {
    expect(judged(status, headers)).toBe(expected);
  });
});
