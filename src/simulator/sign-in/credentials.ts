/**
 * Identifies the user of a request by its credential.
 *
 * The simulator accepts the tokens that it issued. It also accepts tokens of tests:
 * `Authorization: Bearer cwt=sim-<user>` and `X-MS-WebTicket: opaque=sim-<user>`. Text after a second
 * hyphen is ignored, so that one user can have several tokens (`cwt=sim-ann-phone`). A user name
 * therefore contains no hyphen.
 */
import { BoundedMap } from './bounded.ts';
import { type FlatHeaders, headerValue, headerValues } from '../representation/headers.ts';
import { opaque, type Random } from './prng.ts';

export type CredentialKind = 'bearer' | 'webTicket' | 'cookie' | 'none';

/** Kind of URL: `/ucwa/oauth/v1` needs a bearer token, `/ucwa/v1` a web ticket. */
export type Family = 'oauth' | 'webTicket';

/** Declared lifetime of an issued token, in seconds. The token never really expires. */
export const tokenLifetimeSeconds = 28_800;

const testToken = /^cwt=sim-([^-]+)(?:-.*)?$/;
const testTicket = /^opaque=sim-([^-]+)(?:-.*)?$/;

/** Returns the values of the cookie `cwt_ucwa`, which is the credential for photos in a browser. */
export function photoCookies(headers: FlatHeaders): string[] {
  return headerValues(headers, 'cookie')
    .flatMap((line) => line.split(';'))
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith('cwt_ucwa='))
    .map((pair) => pair.slice('cwt_ucwa='.length));
}

export class Credentials {
  readonly #random: Random;
  readonly #issued = new BoundedMap<string, string>(100_000);

  constructor(random: Random) {
    this.#random = random;
  }

  /**
   * Issues a token for `name`, `name@domain` or `DOMAIN\name`. Hyphens become underscores, because
   * user names contain no hyphen.
   */
  issueToken(name: string): string {
    const user = name.replace(/^.*\\/, '').replace(/@.*$/, '').replaceAll('-', '_').toLowerCase();
    const token = `cwt=${opaque(this.#random, 64)}`;
    this.#issued.set(token, user);
    return token;
  }

  /** Returns the user of the request's credential for this family, or undefined if it is invalid. */
  userOf(headers: FlatHeaders, family: Family): string | undefined {
    if (family === 'webTicket') {
      return testTicket.exec(headerValue(headers, 'x-ms-webticket') ?? '')?.[1];
    }
    const bearer = /^bearer +(\S+)$/i.exec(headerValue(headers, 'authorization') ?? '')?.[1];
    if (bearer === undefined) return undefined;
    return this.#issued.get(bearer) ?? testToken.exec(bearer)?.[1];
  }
}
