/**
 * Which credentials are self-contained. A self-contained credential authenticates only the request that carries
 * it. NTLM, Negotiate and Kerberos sign in a connection instead (RFC 4559). After their handshake, later
 * requests on the connection need no credential. Their first message is often the same bytes for all users. The
 * proxy treats an unknown scheme as if it signed in a connection.
 */
import type { RawHeaders } from '../messages/http-message.ts';

/** Schemes of `Authorization` with self-contained credentials (RFC 6750, RFC 7617), in lower case. */
const credentialSchemes: ReadonlySet<string> = new Set(['bearer', 'basic']);

/** One scheme, blanks, and one credential without blanks or commas (RFC 9110 section 11.4). */
const oneCredential = /^([A-Za-z]+) +[^\s,]+$/;

/** The text before the first white space or comma. */
const schemeOf = /^[^\s,]*/;

/**
 * Whether the credential may be sent on a connection that other users share.
 *
 * @param authorization the value of `Authorization`; `undefined` or empty: no credential
 */
export function isSelfContained(authorization: string | undefined): boolean {
  if (authorization === undefined || authorization === '') return true;
  const scheme = oneCredential.exec(authorization)?.[1];
  return scheme !== undefined && credentialSchemes.has(scheme.toLowerCase());
}

/**
 * Whether a request head carries a credential that signs in a connection. The upstream checks the final head
 * just before it sends the head. This check is independent of the earlier choice of the connection by
 * `isSelfContained`, and looks only at the scheme.
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

/**
 * Schemes of challenges, in lower case, that a self-contained credential answers. A client answers
 * `MsRtcOAuth`, a scheme of Skype for Business, with a token for `Bearer`.
 */
export const challengeSchemes: ReadonlySet<string> = new Set(['bearer', 'basic', 'msrtcoauth']);
