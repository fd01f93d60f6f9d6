import { describe, expect, test } from '@jest/globals';
import {
  interpretBatchResponse,
  interpretSharedResponse,
} from '../../../src/core/ucwa/interpret-response.ts';

function interpreted(status: number, headers: readonly string[] = []): string {
  const interpretation = interpretBatchResponse(status, headers);
  if (interpretation.kind === 'parts')
    return `parts ${interpretation.boundary} ${interpretation.coding ?? ''}`.trim();
  if (interpretation.kind === 'relay') return 'relay';
  const { cause, fault, relayable } = interpretation;
  return `${cause}, ${fault.phase}${relayable ? ', may be relayed' : ''}`;
}

const multipart = ['Content-Type', 'multipart/batching; boundary="B"'];
const coded = ['Transfer-Encoding', 'gzip, chunked'];
const json = ['Content-Type', 'application/json; charset=utf-8'];

describe('interpretBatchResponse', () => {
  test.each<[string, number, readonly string[], string]>([
    ['parts', 200, multipart, 'parts B'],
    ['parts with coding identity', 200, [...multipart, 'Content-Encoding', 'identity'], 'parts B'],
    ['gzipped parts', 200, [...multipart, 'Content-Encoding', 'GZip'], 'parts B gzip'],
    ['deflated parts', 200, [...multipart, 'Content-Encoding', 'deflate'], 'parts B deflate'],
    ['a sign-in page', 200, ['Content-Type', 'text/html'], 'not_understood, unknown'],
    ['no media type', 200, [], 'not_understood, unknown'],
    [
      'an unknown content coding',
      200,
      [...multipart, 'content-encoding', 'br'],
      'not_understood, unknown',
    ],
    ['an expired credential', 401, ['Content-Type', 'text/html'], 'relay'],
    ['a forbidden origin', 403, json, 'relay'],
    ['an unknown application', 404, json, 'relay'],
    [
      'an unknown application in UCWA error JSON',
      404,
      ['Content-Type', 'application/vnd.microsoft.com.ucwa.error+json'],
      'relay',
    ],
    ['no batch resource', 404, ['Content-Type', 'text/html'], 'no_batch, unsent'],
    ['no POST to the batch resource', 405, json, 'no_batch, unsent'],
    ['too large a batch', 413, json, 'request_too_large, unsent'],
    ['an unsupported media type', 415, json, 'no_batch, unsent'],
    ['batches not implemented', 501, [], 'no_batch, unsent'],
    ['an application that is gone', 410, json, 'relay'],
    ['too many outstanding calls', 429, json, 'refused, unsent, may be relayed'],
    ['a batch that was not read', 408, [], 'not_read, unsent'],
    ['a batch for another server', 421, [], 'not_read, unsent'],
    ['a malformed batch', 400, json, 'doubted, unknown'],
    ['a conflict of an unknown part', 409, json, 'doubted, unknown'],
    ['a redirect', 302, [], 'doubted, unknown'],
    ['a failure of the pool', 500, json, 'server_error, unknown, may be relayed'],
    ['parts in chunks', 200, [...multipart, 'Transfer-Encoding', 'chunked'], 'parts B'],
    [
      'parts with another transfer coding',
      200,
      [...multipart, ...coded],
      'not_understood, unknown',
    ],
    ['a 403 with a transfer coding', 403, [...json, ...coded], 'not_understood, unknown'],
    ['a 500 with a transfer coding', 500, [...json, ...coded], 'server_error, unknown'],
    ['a 429 with a transfer coding', 429, [...json, ...coded], 'refused, unsent'],
    ['a busy pool', 503, ['Content-Type', 'text/html'], 'server_error, unknown, may be relayed'],
  ])('%s', (_what, status, headers, expected) => {
    expect(interpreted(status, headers)).toBe(expected);
  });
});

test.each<[number, readonly string[], string]>([
  [200, [], 'relay'],
  [500, ['Transfer-Encoding', 'Chunked'], 'relay'],
  [429, [], 'refused'],
  [429, coded, 'refused, not relayable'],
  [200, coded, 'not_understood, not relayable'],
  [304, coded, 'relay'],
])('a %i with %j to identical calls: %s', (status, headers, expected) => {
  const interpretation = interpretSharedResponse(status, headers);
  const suffix =
    interpretation.kind === 'failure' && !interpretation.relayable ? ', not relayable' : '';
  expect(
    `${interpretation.kind === 'failure' ? interpretation.cause : interpretation.kind}${suffix}`,
  ).toBe(expected);
});
