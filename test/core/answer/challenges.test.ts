import { describe, expect, test } from '@jest/globals';
import {
  challengesConnection,
  marksConnection,
  withoutConnectionChallenges,
} from '../../../src/core/answer/challenges.ts';

const oauth =
  'MsRtcOAuth href="https://pool/WebTicket/oauthtoken",grant_type="a,b", realm="NTLM, c"';
const field = 'WWW-Authenticate';

describe('a response has a challenge that signs in a connection:', () => {
  test.each([
    ...['NTLM', 'ntlm', 'Negotiate', 'NEGO2', 'Nego2 abc==', 'Kerberos', 'NTLM TlRMTVNTUAACAAAA'],
    ...['Digest realm="a", nonce="b"', `${oauth}, Negotiate`, `Negotiate,${oauth}`, 'Unknown'],
    ...['Bearer realm="a" , NTLM', 'Bearer realm="unclosed, NTLM', 'Basic realm="a\\", b", NTLM'],
    ...['=odd', 'Bearer realm="a",,NTLM', '\tNTLM\t'],
  ])('%s', (value) => {
    // A quoted string without an end hides the scheme behind it.
    const isHidden = value.includes('unclosed');
    expect(challengesConnection([field, value])).toBe(!isHidden);
    expect(challengesConnection(['Server', 'a', field.toUpperCase(), value])).toBe(!isHidden);
    expect(marksConnection([field, value])).toBe(!isHidden);
  });
});

describe('a response has no challenge that signs in a connection:', () => {
  test.each(['Bearer', 'bearer realm="a"', 'Basic realm="NTLM"', oauth, 'BASIC', ''])(
    '%s',
    (value) => {
      expect(challengesConnection([field, value])).toBe(false);
      expect(marksConnection([field, value])).toBe(false);
    },
  );

  test('in another field', () => {
    expect(challengesConnection(['X-Authenticate', 'NTLM', 'Proxy-Authenticate', 'NTLM'])).toBe(
      false,
    );
  });
});

test.each([
  ['Persistent-Auth', 'true'],
  ['persistent-auth', 'false'],
  ['Proxy-Support', 'Session-Based-Authentication'],
  ['Proxy-Authenticate', 'NTLM'],
])('the field %s: %s marks its connection', (name, value) => {
  expect(marksConnection(['Content-Type', 'a', name, value])).toBe(true);
  expect(marksConnection(['Content-Type', 'a', `X-${name}`, value])).toBe(false);
});

describe('challenges that sign in a connection are removed from a 401', () => {
  test('that offers another challenge too', () => {
    expect(
      withoutConnectionChallenges([
        ...[
          'Server',
          'IIS',
          field,
          'Negotiate',
          field,
          'NTLM',
          field,
          `Nego2, ${oauth} , NTLM x==`,
        ],
        ...[
          'X-Ms-Server-Fqdn',
          'a',
          'www-authenticate',
          'Bearer trusted_issuers="", client_id="1"',
        ],
      ]),
    ).toEqual([
      ...['Server', 'IIS', field, oauth.replaceAll(/", *|",/g, '", ')],
      ...['X-Ms-Server-Fqdn', 'a', 'www-authenticate', 'Bearer trusted_issuers="", client_id="1"'],
    ]);
  });

  test.each([[[field, 'NTLM']], [[field, 'NTLM, Negotiate', 'Server', 'a']]])(
    'but not if there is no other challenge: %j',
    (headers) => expect(withoutConnectionChallenges(headers)).toBe(headers),
  );

  test.each([[[field, oauth]], [['Server', 'a']], [[]]])('and no other fields: %j', (headers) => {
    expect(withoutConnectionChallenges(headers)).toBe(headers);
  });
});
