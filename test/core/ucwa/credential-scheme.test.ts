import { describe, expect, test } from '@jest/globals';
import { isSelfContained, signsInConnection } from '../../../src/core/ucwa/credential-scheme.ts';

describe('a credential may be sent on a shared connection:', () => {
  test.each([
    [undefined],
    [''],
    ['Bearer cwt=AAEBHAEFAAAAAAAFFQ'],
    ['bearer   eyJhbGciOiJSUzI1NiJ9.e30.c2ln'],
    ['BASIC YWxpY2U6c2VjcmV0'],
  ])('%j', (authorization) => {
    expect(isSelfContained(authorization)).toBe(true);
    expect(signsInConnection(['Host', 'a', 'Authorization', authorization ?? ''])).toBe(false);
  });
});

describe('a credential may sign in a connection:', () => {
  test.each([
    ...[
      'NTLM TlRMTVNTUAABAAAA',
      'ntlm TlRMTVNTUAABAAAA',
      'NTLM',
      'Negotiate YIIB',
      'NEGOTIATE YIIB',
    ],
    ...['Nego2 YIIB', 'Kerberos YIIB', 'Digest username="a"', 'AWS4-HMAC-SHA256 Credential=a', 'a'],
    ...['Bearerx a', 'NTLM\tTlRM', 'Negotiate, Bearer a', ',NTLM TlRM', 'TlRMTVNTUAABAAAA='],
  ])('%j', (authorization) => {
    expect(isSelfContained(authorization)).toBe(false);
    expect(signsInConnection(['AUTHORIZATION', authorization])).toBe(true);
  });

  test.each([['Bearer a, NTLM TlRM'], ['Bearer a b'], ['Bearer'], ['Bearer\ta'], ['Basic a,b']])(
    'not exactly one credential: %j',
    (authorization) => expect(isSelfContained(authorization)).toBe(false),
  );
});

test('signsInConnection finds a sign-in in any of several Authorization fields', () => {
  const fields = ['Authorization', 'Bearer a', 'X-Other', 'NTLM b', 'authorization', 'Nego2 c'];
  expect(signsInConnection(fields)).toBe(true);
  expect(signsInConnection(fields.slice(0, 4))).toBe(false);
});
