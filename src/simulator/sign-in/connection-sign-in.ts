/**
 * Sign-ins that stay on a connection, as with the Windows authentication of IIS. A completed handshake
 * signs in its connection: later requests on it need no credential.
 */
import { headerValue, type FlatHeaders } from '../representation/headers.ts';
import type { Random } from '../pool/prng.ts';
import { userNameOf } from './credentials.ts';
import { ntlmChallenge, ntlmType, ntlmUser } from './ntlm.ts';

/** Result of a request's credential: a challenge of the handshake, or the user of the connection. */
export type SignInStep =
  | { readonly kind: 'challenge'; readonly challenge: string }
  | { readonly kind: 'refused' }
  | { readonly kind: 'signedIn'; readonly user: string };

export class ConnectionSignIn {
  readonly #random: Random;
  #user: string | undefined;
  #isChallenged = false;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Reads the credential of a request on this connection. */
  step(headers: FlatHeaders): SignInStep {
    const credential = headerValue(headers, 'authorization') ?? '';
    const [, scheme = '', text = ''] = /^(ntlm|negotiate) +(\S+)$/i.exec(credential) ?? [];
    if (scheme === '') return this.#standing();
    const message = Buffer.from(text, 'base64');
    if (ntlmType(message) === 1) {
      this.#user = undefined;
      this.#isChallenged = true;
      const challenge = ntlmChallenge(this.#random).toString('base64');
      return { kind: 'challenge', challenge: `${scheme} ${challenge}` };
    }
    const name = this.#isChallenged ? ntlmUser(message) : undefined;
    this.#isChallenged = false;
    this.#user = name === undefined || name === 'wrong' ? undefined : userNameOf(name);
    return this.#standing();
  }

  #standing(): SignInStep {
    return this.#user === undefined ? { kind: 'refused' } : { kind: 'signedIn', user: this.#user };
  }
}
