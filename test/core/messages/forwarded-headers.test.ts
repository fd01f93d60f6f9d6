/** Which fields of a caller are forwarded in parts, in single requests and in pass-through requests. */
import { describe, expect, test } from '@jest/globals';
import { batchKey } from '../../../src/core/ucwa/batch-key.ts';
import { readHead } from '../../../src/core/admit/request-head.ts';
import { encodeBatch } from '../../../src/core/wire/batch-encoder.ts';
import type { OutgoingCall } from '../../../src/core/messages/outgoing-call.ts';
import { describedByPeer } from '../../../src/core/messages/forwarded-fields.ts';
import { passThroughHeaders, singleHeaders } from '../../../src/core/messages/forwarded-headers.ts';
import { envelopeHeaders } from '../../../src/core/ucwa/envelope.ts';

/** The field that names the proxy. */
const via = ['Via', '1.1 ucwa-batch-proxy'];

/** Returns the kinds of requests in which a field of an untrusted peer is forwarded. */
function reach(name: string): string[] {
  const headers = [name, 'said'];
  const key = batchKey('/ucwa/v1/applications/1', readHead([]), 'pool', []);
  const call: OutgoingCall = { method: 'GET', target: '/x', headers, body: Buffer.alloc(0), key };
  const part = encodeBatch([call], 'zzz')?.toString('latin1') ?? '';
  const places = {
    part: part.includes('said'),
    single: singleHeaders(call).includes('said'),
    'pass-through': passThroughHeaders(headers, 'pool', false, '1.1', []).includes('said'),
  };
  return Object.entries(places).flatMap(([place, is]) => (is ? [place] : []));
}

const everywhere = ['part', 'single', 'pass-through'];
const rows: ReadonlyArray<readonly [string[], readonly string[]]> = [
  [
    everywhere,
    [
      ...['Accept', 'Accept-Language', 'Accept-Charset', 'Cache-Control', 'Content-Type', 'Pragma'],
      ...['Content-Language', 'Content-Location', 'Date', 'From', 'If-Match', 'If-None-Match'],
      ...['If-Modified-Since', 'If-Unmodified-Since', 'Origin', 'Referer', 'User-Agent'],
      ...['X-MS-RequiresMinResourceVersion', 'X-Ms-Origin', 'X-Ms-Namespace', 'X-Ms-SDK-Instance'],
      ...['X-Requested-With', 'client-request-id', 'X-Correlation-Id', 'X-Forwarded', 'X-B3'],
      ...[
        '__proto__',
        'constructor',
        'traceparent',
        'tracestate',
        'Hostname',
        'Sec-Fetch-Site',
        'X-Host',
      ],
    ],
  ],
  [
    ['single', 'pass-through'],
    ['Authorization', 'X-MS-WebTicket', 'Cookie', 'Accept-Encoding', 'Via'],
  ],
  [
    ['pass-through'],
    [
      ...['baggage', 'b3', 'uber-trace-id', 'X-B3-SpanId'],
      ...['X-Amzn-Trace-Id', 'X-Cloud-Trace-Context', 'X-B3-TraceId', 'X-Forwarded-Other'],
      'Content-Length',
    ],
  ],
  [
    [],
    [
      ...['Host', 'HOST', 'Expect', 'X-Ucwa-Batch', 'Connection', 'Keep-Alive', 'Trailer', 'TE'],
      ...['Proxy-Authenticate', 'Proxy-Authorization', 'Proxy-Connection', 'Transfer-Encoding'],
      ...['Upgrade', 'HTTP2-Settings', 'Forwarded', 'X-Forwarded-For', 'X-Forwarded-Host'],
      ...['X-Forwarded-Proto', 'X-Forwarded-Port', 'FORWARDED', 'x-forwarded-for'],
    ],
  ],
];

describe.each(rows)('is forwarded in %j:', (places, names) => {
  test.each(names)('%s', (name) => {
    expect(reach(name)).toEqual(places);
  });
});

test('fields of a trusted peer about the client pass through', () => {
  const port = ['X-Forwarded-Port', '1', 'X-Real-IP', '6.6.6.6'];
  const headers = ['Forwarded', 'for=a', ...port, 'Expect', 'x'];
  const forwarded = describedByPeer(readHead(headers));
  expect(passThroughHeaders(headers, 'pool', true, '1.1', forwarded)).toEqual([
    ...['Host', 'pool', ...port, ...via, 'Forwarded', 'for=a'],
  ]);
});

test('exactly the fields that Connection names are removed, in any case', () => {
  const kept = ['X-C', '3', 'X-D', 'X-C'];
  const headers = ['X-A', '1', 'CONNECTION', 'close, x-a , X-B', 'X-B', '2', ...kept];
  expect(passThroughHeaders(headers, 'pool', false, '1.1', [])).toEqual([
    ...['Host', 'pool', ...kept, ...via],
  ]);
});

test('the envelope has the fields that describe the client, unless Connection names them', () => {
  const headers = ['User-Agent', 'Phone/1', 'Referer', 'r', 'Connection', 'Referer', 'X-A', '1'];
  const key = batchKey('/ucwa/v1/applications/1', readHead([]), 'pool', []);
  const call: OutgoingCall = { method: 'GET', target: '/x', headers, body: Buffer.alloc(0), key };
  expect(envelopeHeaders(call, 'B')).toEqual([
    ...['Host', 'pool', 'Accept', 'multipart/batching'],
    ...['Content-Type', 'multipart/batching;boundary=B', 'User-Agent', 'Phone/1'],
    ...['Accept-Encoding', 'gzip', ...via],
  ]);
});
