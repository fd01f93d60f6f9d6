import { describe, expect, test } from '@jest/globals';
import { batchKey } from '../../../src/core/ucwa/batch-key.ts';
import { readHead } from '../../../src/core/admit/request-head.ts';
import { encodeBatch, encodeWith } from '../../../src/core/wire/batch-encoder.ts';
import { readBatchRequest, splitMessage } from '../../support/exchanges.ts';
import type { OutgoingCall } from '../../../src/core/messages/outgoing-call.ts';
import { passThroughHeaders, singleHeaders } from '../../../src/core/messages/forwarded-headers.ts';
import { envelopeHeaders } from '../../../src/core/ucwa/envelope.ts';

function aCall(
  method: string,
  target: string,
  headers: readonly string[],
  body = '',
  forwarded: readonly string[] = [],
): OutgoingCall {
  const key = batchKey('/ucwa/oauth/v1/applications/1', readHead(headers), 'pool', forwarded);
  return { method, target, headers, body: Buffer.from(body), key };
}

/** Returns the call with this `Host` for the pool. */
const to =
  (authority: string) =>
  (call: OutgoingCall): OutgoingCall => ({ ...call, key: { ...call.key, authority } });

const bearer = ['Authorization', 'Bearer cwt=user_oauth_token'];
const json = ['Accept', 'application/json'];

describe('encodeBatch', () => {
  test('writes GETs as the recorded client of 2013 did, byte for byte', () => {
    const recorded = splitMessage(readBatchRequest('2013-contacts-and-me'));
    const app = '/ucwa/oauth/v1/applications/104209230921';
    const body = encodeBatch(
      [
        aCall('GET', `${app}/people/contacts`, ['Host', 'proxy', ...bearer, ...json]),
        aCall('GET', `${app}/me`, ['Host', 'proxy', ...bearer, ...json]),
      ].map(to('lyncweb.domain.com')),
      '8963d8ed-59c3-4bbf-bef5-ceb7c182698b',
    );
    expect(body?.toString('latin1')).toBe(recorded.body.toString('latin1'));
    expect(recorded.head).toContain(`Content-Length: ${body?.length ?? 0}`);
  });

  test('writes a POST as the recorded client did, without its surplus empty line', () => {
    const recorded = splitMessage(readBatchRequest('2013-note')).body.toString('latin1');
    const app = '/ucwa/oauth/v1/applications/101384582682';
    const note = '{\r\n  "message": "hello ucwa"\r\n}';
    const body = encodeBatch(
      [
        aCall('GET', `${app}/me/presence`, json),
        aCall('GET', `${app}/me/note`, json),
        aCall(
          'POST',
          `${app}/me/note`,
          [...json, 'Content-Type', 'application/json', 'Content-Length', '31'],
          note,
        ),
      ].map(to('lyncweb.domain.com')),
      'eb219fa7-0b21-456a-a808-f7a2aa55a6ce',
    );
    expect(body?.toString('latin1')).toBe(recorded.replace(`${note}\r\n\r\n--`, `${note}\r\n--`));
  });

  test('writes the end-to-end fields of a part, without the fields of the envelope', () => {
    const body = encodeBatch(
      [
        aCall('GET', '/ucwa/v1/applications/1/me', [
          ...['Host', 'proxy.example', ...bearer, 'X-MS-WebTicket', 't', 'Cookie', 'c=1'],
          ...['Accept-Encoding', 'gzip', 'Expect', '100-continue', 'Forwarded', 'for=x'],
          ...['X-Forwarded-For', '1.2.3.4', 'X-Forwarded-Proto', 'https', 'Via', '1.1 x'],
          ...['baggage', 'a=1', 'X-B3-TraceId', '1', 'X-Ucwa-Batch', 'explain'],
          ...['Connection', 'X-Mine, close', 'X-Mine', '1', 'Keep-Alive', '1', 'TE', 'trailers'],
          ...['Proxy-Authorization', 'p', 'Upgrade', 'h2c', 'Content-Length', '0'],
          ...[
            'X-MS-RequiresMinResourceVersion',
            '2',
            'If-None-Match',
            '"1"',
            'If-None-Match',
            '"2"',
          ],
          ...['client-request-id', '7', 'x-lower', 'caf\xe9'],
        ]),
      ].map(to('pool.example')),
      'B',
    );
    expect(body?.toString('latin1')).toBe(
      '\r\n--B\r\nContent-Type: application/http; msgtype=request\r\n\r\n' +
        'GET /ucwa/v1/applications/1/me HTTP/1.1\r\nHost: pool.example\r\n' +
        'X-MS-RequiresMinResourceVersion: 2\r\nIf-None-Match: "1"\r\nIf-None-Match: "2"\r\n' +
        'client-request-id: 7\r\nx-lower: caf\xe9\r\n\r\n\r\n--B--\r\n',
    );
  });

  test('a boundary that occurs in a part is not used', () => {
    const inTarget = aCall('GET', '/x--B', json);
    const inBody = aCall('POST', '/x', json, 'text\r\n--abc--\r\n');
    expect(encodeBatch([inTarget], 'B')).toBeUndefined();
    expect(encodeBatch([inBody], 'abc')).toBeUndefined();
    expect(encodeBatch([inTarget, inBody], 'other')).toBeDefined();
  });

  test('at most eight boundaries are tried', () => {
    const call = aCall('POST', '/x', json, 'b1 b2 b3 b4 b5 b6 b7');
    const draw = (from: number) => () => `b${from++}`;
    expect(encodeWith(draw(1), [call]).boundary).toBe('b8');
    const { boundary, body } = encodeWith(draw(8), [call]);
    expect(body).toEqual(encodeBatch([call], boundary));
    const hopeless = aCall('POST', '/x', json, 'b0 b1 b2 b3 b4 b5 b6 b7');
    expect(() => encodeWith(draw(0), [hopeless])).toThrow('no boundary');
  });

  test('bytes above ASCII stay single bytes, with or without a body', () => {
    const call = aCall('POST', '/x', ['X-A', 'caf\xe9'], 'x');
    expect(encodeBatch([call], 'B')?.includes(Buffer.from('caf\xe9', 'latin1'))).toBe(true);
  });

  test('a line break in a field value never reaches the wire', () => {
    const smuggled = aCall('GET', '/x', ['X-A', 'b\r\n\r\nPOST /evil HTTP/1.1']);
    expect(() => encodeBatch([smuggled], 'B')).toThrow(/line break/);
  });
});

describe('the head of a request', () => {
  const headers = [
    ...[
      'Host',
      'proxy',
      ...bearer,
      'Cookie',
      'c=1',
      'X-Ms-Origin',
      'http://a',
      'Origin',
      'http://b',
    ],
    ...['X-MS-RequiresMinResourceVersion', '2', 'User-Agent', 'Phone/1', 'Referer', 'r'],
    ...[
      'X-Requested-With',
      'XMLHttpRequest',
      'Accept-Language',
      'en',
      'X-Ms-Namespace',
      'internal',
    ],
    ...['X-Ms-SDK-Instance', '1', 'Accept', 'application/json', 'Accept-Encoding', 'gzip'],
    ...['X-Forwarded-For', '6.6.6.6', 'If-Match', '"1"'],
  ];

  test('the envelope has the fields of the key, and those that describe the client of the oldest call', () => {
    expect(envelopeHeaders(aCall('GET', '/x', headers), 'B')).toEqual([
      ...['Host', 'pool', 'Accept', 'multipart/batching'],
      ...['Content-Type', 'multipart/batching;boundary=B', ...bearer, 'Cookie', 'c=1'],
      ...['Origin', 'http://b', 'X-Ms-Origin', 'http://a', 'X-MS-RequiresMinResourceVersion', '2'],
      ...['User-Agent', 'Phone/1', 'Referer', 'r', 'X-Requested-With', 'XMLHttpRequest'],
      ...['Accept-Language', 'en', 'X-Ms-Namespace', 'internal', 'X-Ms-SDK-Instance', '1'],
      ...['Accept-Encoding', 'gzip', 'Via', '1.1 ucwa-batch-proxy'],
    ]);
  });

  test('the envelope carries a web ticket, with or without an Authorization', () => {
    const envelope = envelopeHeaders(aCall('GET', '/x', ['X-MS-WebTicket', 't']), 'B');
    expect(envelope.slice(6, 8)).toEqual(['X-MS-WebTicket', 't']);
    const both = aCall('GET', '/x', [...bearer, 'X-MS-WebTicket', 't']);
    expect(envelopeHeaders(both, 'B').slice(6, 10)).toEqual([...bearer, 'X-MS-WebTicket', 't']);
  });

  test('the description of the client is on envelopes and single calls, and not in parts', () => {
    const forwarded = ['X-Forwarded-For', '6.6.6.6', 'Forwarded', 'for=6.6.6.6'];
    const described = aCall('GET', '/x', headers, '', forwarded);
    expect(envelopeHeaders(described, 'B').slice(-4)).toEqual(forwarded);
    expect(singleHeaders(described).slice(-4)).toEqual(forwarded);
    expect(encodeBatch([described, described], 'B')?.toString()).not.toMatch(/forwarded/i);
    expect(singleHeaders(aCall('GET', '/x', headers))).not.toContain('X-Forwarded-For');
  });

  test('an unbatched call keeps its credentials, cookies and codings', () => {
    const single = singleHeaders(aCall('GET', '/x', headers));
    expect(single.slice(0, 4)).toEqual(['Host', 'pool', ...bearer]);
    expect(single).toEqual(expect.arrayContaining(['c=1', 'gzip', '"1"']));
  });

  test('a pass-through request keeps all fields except those for the proxy', () => {
    const fields = [
      'Host',
      'proxy',
      'traceparent',
      '1',
      'X-Forwarded-For',
      'x',
      'X-Ucwa-Batch',
      'n',
    ];
    expect(passThroughHeaders(fields, 'pool', false, '1.1', [])).toEqual([
      ...['Host', 'pool', 'traceparent', '1', 'Via', '1.1 ucwa-batch-proxy'],
    ]);
    expect(passThroughHeaders(fields, 'pool', true, '1.0', ['X-Forwarded-For', 'y'])).toEqual([
      ...['Host', 'pool', 'traceparent', '1', 'Via', '1.0 ucwa-batch-proxy'],
      ...['X-Forwarded-For', 'y'],
    ]);
  });
});
