import { describe, expect, test } from '@jest/globals';
import {
  readHead,
  type HeadFacts,
  isFieldOfProxies,
} from '../../../src/core/admit/request-head.ts';

/** Returns the facts that differ from those of an empty head. */
function factsOf(...headers: string[]): Partial<HeadFacts> {
  const nothing = readHead([]);
  return Object.fromEntries(
    Object.entries(readHead(headers)).filter(
      ([name, value]) => name !== 'bytes' && value !== nothing[name as keyof HeadFacts],
    ),
  );
}

describe('readHead finds fields in any case', () => {
  test.each<[string[], Partial<HeadFacts>]>([
    [['HOST', 'a'], { hosts: 1, host: 'a' }],
    [['Host', 'a', 'host', 'b'], { hosts: 2, host: 'a' }],
    [['Host', 'a b'], { hosts: 1, host: 'a b', hasIllegalHost: true }],
    [['Cache-Control', 'max-age=0'], {}],
    [['cache-control', 'max-age=0, No-Cache'], { noCache: true }],
    [['authorization', 'Bearer a'], { authorization: 'Bearer a' }],
    [['authorization', ''], { authorization: '' }],
    [['Authorization', 'NTLM a'], { authorization: 'NTLM a', signsIn: true }],
    [
      ['Authorization', 'Bearer a', 'AUTHORIZATION', 'Bearer a'],
      { authorization: 'Bearer a', repeatedCredential: true },
    ],
    [
      ['Authorization', 'Negotiate a', 'AUTHORIZATION', 'Bearer b'],
      { authorization: 'Bearer b', repeatedCredential: true, signsIn: true },
    ],
    [['X-MS-WebTicket', 'a'], { webTicket: 'a' }],
    [['X-MS-WebTicket', 'a', 'x-ms-webticket', ''], { webTicket: '', repeatedCredential: true }],
    [
      ['Authorization', 'Basic a', 'X-MS-WebTicket', 'b'],
      { authorization: 'Basic a', webTicket: 'b' },
    ],
    [['Cookie', 'a'], { cookie: 'a' }],
    [['Cookie', '', 'Cookie', 'b'], { cookie: 'b', repeatedKeyField: true }],
    [['Origin', 'a'], { origin: 'a' }],
    [['Origin', 'a', 'Origin', 'b'], { origin: 'b', repeatedKeyField: true }],
    [['X-Ms-Origin', 'a'], { msOrigin: 'a' }],
    [['X-Ms-Origin', 'a', 'X-Ms-Origin', 'b'], { msOrigin: 'b', repeatedKeyField: true }],
    [['X-MS-RequiresMinResourceVersion', '2'], { minVersion: '2' }],
    [
      ['X-MS-RequiresMinResourceVersion', '2', 'X-MS-RequiresMinResourceVersion', '3'],
      { minVersion: '3', repeatedKeyField: true },
    ],
    [['Cookie', 'a', 'Origin', 'b'], { cookie: 'a', origin: 'b' }],
    [['X-Forwarded-For', 'a'], { forwardedFor: 'a', cameThroughProxy: true }],
    [
      ['X-Forwarded-For', 'a', 'X-Forwarded-For', 'b'],
      { forwardedFor: 'a, b', cameThroughProxy: true },
    ],
    [['Via', '1.1 a'], { cameThroughProxy: true }],
    [['FORWARDED', 'for=a'], { forwarded: 'for=a', cameThroughProxy: true }],
    [
      ['X-Forwarded-Proto', 'https', 'x-forwarded-proto', 'b'],
      { forwardedProto: 'https, b', cameThroughProxy: true },
    ],
    [['X-Forwarded-Host', 'a'], { forwardedHost: 'a', cameThroughProxy: true }],
    [['X-Real-IP', '10.0.0.1'], { cameThroughProxy: true }],
    [['Content-Length', '1'], { contentLength: '1' }],
    [['Content-Type', 'a/b'], { contentType: 'a/b' }],
    [['Content-Type', 'a/b', 'CONTENT-TYPE', 'c'], { contentType: 'c', repeatedKeyField: true }],
    [['Content_Length', '5'], { resemblesFraming: true }],
    [['Transfer-Encoding!', 'chunked'], { resemblesFraming: true }],
    [['TransferEncoding', 'chunked'], { resemblesFraming: true }],
    [['X-Content-Length', '5', 'Content-Length-X', '6', 'Transfer', 'a'], {}],
    [['Connection', 'keep-alive, Upgrade', 'Upgrade', 'a'], { upgrade: true, namesUpgrade: true }],
    [['Content-Encoding', 'gzip'], { contentEncoding: true }],
    [
      ['Transfer-Encoding', 'gzip', 'Transfer-Encoding', 'chunked'],
      { transferEncoding: 'gzip, chunked' },
    ],
    [['Accept', 'a/b', 'Accept', 'c/d'], { accept: 'a/b' }],
    [['X-Ucwa-Batch', 'never'], { ucwaBatch: 'never' }],
    [['Range', 'bytes=0-1'], { range: true }],
    [['Upgrade', 'h2c'], { upgrade: true }],
    [['X-HTTP-Method', 'PUT'], { methodOverride: true }],
    [['X-HTTP-Method-Override', 'PUT'], { methodOverride: true }],
    [['X-Method-Override', 'PUT'], { methodOverride: true }],
    [['Connection', 'close'], {}],
    [['Connection', 'close, Authorization'], { hidesKeyField: true }],
    [['Connection', 'X-MS-WebTicket'], { hidesKeyField: true }],
    [['Connection', 'cookie'], { hidesKeyField: true }],
    [['Connection', 'X-Ms-Origin'], { hidesKeyField: true }],
    [
      ['Connection', 'x-ms-requiresminresourceversion', 'Connection', 'close'],
      { hidesKeyField: true },
    ],
    [['X-Other', 'a', '__proto__', 'b', 'X-Forwarded', 'c'], {}],
  ])('%j', (headers, facts) => {
    expect(factsOf(...headers)).toEqual(facts);
  });
});

test('an empty head has no facts', () => {
  const { hosts, bytes, ...rest } = readHead([]);
  expect([hosts, bytes]).toEqual([0, 0]);
  expect(Object.values(rest).filter((value) => value !== undefined && value !== false)).toEqual([]);
});

test('isFieldOfProxies knows the fields that show another proxy', () => {
  const names = ['via', 'forwarded', 'x-real-ip', 'x-forwarded-for', 'x-forwarded-proto'];
  expect(names.filter(isFieldOfProxies)).toEqual(names);
  expect(['x-forwarded', 'host', 'viaduct'].filter(isFieldOfProxies)).toEqual([]);
});
