/**
 * Which credentials speak for one request alone. A self-contained credential is whole in each request
 * that carries it. NTLM, Negotiate and Kerberos sign in a connection instead: the request that completes
 * the handshake carries the last message, and later requests carry nothing. Their first message is
 * often the same bytes for all users. An unknown scheme is treated as if it signed in a connection.
 */
import type { RawHeaders } from '../messages/http-message.ts';

/** Schemes of `Authorization` whose credential is whole in each request (RFC 6750, RFC 7617). */
const credentialSchemes: ReadonlySet<string> = new Set(['bearer', 'basic']);

/** A scheme, blanks, and one credential without blanks and commas (RFC 9110 section 11.4). */
const oneCredential = /^([A-Za-z]+) +[^\s,]+$/;

/** What comes before the first blank, comma or tab. */
const schemeOf = /^[^\s,]*/;

/**
 * Whether the credential may travel on a connection that other users share.
 *
 * @param authorization the value of `Authorization`; `undefined` or empty: no credential
 */
export function isSelfContained(authorization: string | undefined): boolean {
  if (authorization === undefined || authorization === '') return true;
  const scheme = oneCredential.exec(authorization)?.[1];
  return scheme !== undefined && credentialSchemes.has(scheme.toLowerCase());
}

/**
 * Whether a head carries a credential that signs in a connection. Reads the fields that are about to
 * be sent, and only the scheme: it is a second look, apart from the one that chose the connection.
 */
export function signsInConnection(headers: RawHeaders): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (name.length !== 13 || name.toLowerCase() !== 'authorization') continue;
    const value = headers[i + 1] ?? '';
    const scheme = schemeOf.exec(value)?.[0].toLowerCase() ?? '';
    if (value !== '' && !credentialSchemes.has(scheme)) return true;
  }
  return false;
}

/** Schemes of challenges whose credentials are self-contained. `MsRtcOAuth` leads to a token for `Bearer`. */
export const challengeSchemes: ReadonlySet<string> = new Set(['bearer', 'basic', 'msrtcoauth']);
