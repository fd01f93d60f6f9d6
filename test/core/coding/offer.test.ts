import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readHead } from '../../../src/core/admit/request-head.ts';
import { offerOf, readAcceptEncoding } from '../../../src/core/coding/offer.ts';

describe('the codings that a client accepts', () => {
  test.each([
    ['gzip', 'gzip', 'gzip'],
    ['GZIP', 'gzip', 'gzip'],
    ['x-gzip', 'gzip', 'gzip'],
    ['gzip, deflate', 'gzip', 'gzip'],
    ['gzip, deflate, br', 'br', 'gzip'],
    ['gzip, deflate, br, zstd', 'br', 'gzip'],
    ['br', 'br', undefined],
    ['gzip;q=1.0, br;q=0.5', 'gzip', 'gzip'],
    ['gzip;q=0.5, br;q=0.5', 'br', 'gzip'],
    ['*', 'gzip', 'gzip'],
    ['*;q=0.1', 'gzip', 'gzip'],
    ['br;q=0, *', 'gzip', 'gzip'],
    ['deflate, gzip;q=0.001', 'gzip', 'gzip'],
    ['gzip ; q=0.8 , identity ; q=0.8', 'gzip', 'gzip'],
    ['identity;q=0.5, gzip', 'gzip', 'gzip'],
    ['*;q=0, gzip', 'gzip', 'gzip'],
    [',,gzip,', 'gzip', 'gzip'],
  ])('%s: %s for a whole body, %s for a stream', (value, whole, stream) => {
    expect(readAcceptEncoding(value)).toMatchObject({ whole, stream });
  });

  test.each([
    ...['', 'identity', 'deflate', 'zstd', 'gzip;q=0', 'gzip;q=0.000', 'x-gzip;q=0', '*;q=0'],
    ...['gzip;q=0, *', 'gzip;q=0, *;q=1', 'identity, gzip;q=0.5', 'identity;q=1, *;q=0.5'],
    // An illegal weight counts as 0.
    ...['gzip;q=2', 'gzip;q=-1', 'gzip;q=', 'gzip;q=0.1234', 'gzip;level=9', 'gzip;q=1;q=0'],
    ...['gzip;q=0, gzip', 'gzipped', 'gzip x'],
  ])('none: %p', (value) => {
    expect(readAcceptEncoding(value)).toBeUndefined();
  });

  test.each([
    ['gzip', 1025],
    ['gzip, identity;q=0', 1],
    ['gzip, *;q=0', 1],
    ['gzip, *;q=0, identity;q=0.1', 1025],
  ])('%s: bodies of %d bytes and more are coded', (value, minBytes) => {
    expect(readAcceptEncoding(value)?.minBytes).toBe(minBytes);
  });

  test('never include one that the field refuses, or does not name', () => {
    const names = fc.constantFrom('gzip', 'x-gzip', 'br', 'deflate', 'identity', '*', 'zstd');
    const weights = fc.constantFrom('', ';q=0', ';q=0.3', ' ; Q=1', ';q=0.0');
    fc.assert(
      fc.property(fc.array(fc.tuple(names, weights), { maxLength: 6 }), (elements) => {
        const offer = readAcceptEncoding(elements.map((element) => element.join('')).join(', '));
        const refused = (coding: string) =>
          elements.some(
            ([name, weight]) =>
              name.replace(/^x-/, '') === coding && / *; *q=0(?:\.0)?$/i.test(weight),
          );
        const named = (...codings: readonly string[]) =>
          elements.some(([name]) => codings.includes(name));
        const allowed = [
          undefined,
          ...(!refused('gzip') && named('gzip', 'x-gzip', '*') ? ['gzip'] : []),
          ...(!refused('br') && named('br') ? ['br'] : []),
        ];
        expect(allowed).toContain(offer?.whole);
        expect(allowed).toContain(offer?.stream);
      }),
    );
  });
});

describe('the proxy codes no answer', () => {
  const accepts = ['Accept-Encoding', 'gzip'];
  const bearer = ['Authorization', 'Bearer cwt=a'];

  test.each([
    ['to a request with no-transform', [...bearer, 'Cache-Control', 'max-age=0, no-transform']],
    ['to a form with credentials', ['Content-Type', 'application/x-www-form-urlencoded']],
    ['to a request that a cookie alone signs in', ['Cookie', 'a=b']],
    ['to a request with Basic', ['Authorization', 'Basic YTpi']],
    ['to a request with NTLM', ['Authorization', 'NTLM TlRMTVNTUAAB']],
  ])('%s', (_, headers) => {
    expect(offerOf(readHead([...accepts, ...headers]))).toBeUndefined();
  });

  test.each([
    ['with a token', bearer],
    ['with a token and a cookie', [...bearer, 'Cookie', 'a=b']],
    ['with a web ticket', ['X-MS-WebTicket', 'opaque=a', 'Cookie', 'a=b']],
    ['without a credential', []],
  ])('but codes it %s', (_, headers) => {
    expect(offerOf(readHead([...accepts, ...headers]))).toBeDefined();
  });

  test('and reads all lines of Accept-Encoding', () => {
    const headers = ['Accept-Encoding', 'deflate', ...bearer, 'accept-encoding', 'br'];
    expect(offerOf(readHead(headers))?.whole).toBe('br');
  });
});
