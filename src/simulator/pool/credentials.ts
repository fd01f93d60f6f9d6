/**
 * Whose request it is. Besides the tokens that the simulator issued, tests may make their own:
 * `Authorization: Bearer cwt=sim-<user>` and `X-MS-WebTicket: opaque=sim-<user>`, each with
 * anything after a further hyphen, so that one user can have many (`cwt=sim-ann-phone`). A user's
 * name therefore has no hyphen.
 */
import { BoundedMap } from './bounded.ts';
import { type FlatHeaders, headerValue, headerValues } from '../representation/headers.ts';
import { opaque, type Random } from './prng.ts';

export type CredentialKind = 'bearer' | 'webTicket' | 'cookie' | 'none';

/** Which credential a URL family takes: `/ucwa/oauth/v1` a bearer token, `/ucwa/v1` a web ticket. */
export type Family = 'oauth' | 'webTicket';

/** Seconds that an issued token says it lives. The simulator never lets one expire. */
export const tokenLifetimeSeconds = 28_800;

const testToken = /^cwt=sim-([^-]+)(?:-.*)?$/;
const testTicket = /^opaque=sim-([^-]+)(?:-.*)?$/;

/** The values of the cookie `cwt_ucwa`, which alone lets a browser fetch photos. */
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
   * A new token for the person who signs in as `name`, `name@domain` or `DOMAIN\name`; hyphens
   * become underscores, as user names have none.
   */
  issueToken(name: string): string {
    const user = name.replace(/^.*\\/, '').replace(/@.*$/, '').replaceAll('-', '_').toLowerCase();
    const token = `cwt=${opaque(this.#random, 64)}`;
    this.#issued.set(token, user);
    return token;
  }

  /** The user whose credential of that family the request carries, if it is a good one. */
  userOf(headers: FlatHeaders, family: Family): string | undefined {
    if (family === 'webTicket') {
      return testTicket.exec(headerValue(headers, 'x-ms-webticket') ?? '')?.[1];
    }
    const bearer = /^bearer +(\S+)$/i.exec(headerValue(headers, 'authorization') ?? '')?.[1];
    if (bearer === undefined) return undefined;
    return this.#issued.get(bearer) ?? testToken.exec(bearer)?.[1];
  }
}
