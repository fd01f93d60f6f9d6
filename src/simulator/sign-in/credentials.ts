/**
 * Identifies the user of a request by its credential.
 *
 * The simulator accepts the tokens that it issued. It also accepts tokens of tests:
 * `Authorization: Bearer cwt=sim-<user>` and `X-MS-WebTicket: opaque=sim-<user>`. Text after a second
 * hyphen is ignored, so that one user can have several tokens (`cwt=sim-ann-phone`). Only names of guests
 * contain a hyphen.
 */
import { BoundedMap } from '../pool/bounded.ts';
import { type FlatHeaders, headerValue, headerValues } from '../representation/headers.ts';
import { guestPrefix } from '../pool/pool.ts';
import { digits, opaque, type Random } from '../pool/prng.ts';
import type { Site } from './sites.ts';

export type CredentialKind = 'bearer' | 'webTicket' | 'cookie' | 'none';

/** Kind of URL: `/ucwa/oauth/v1` needs a bearer token, `/ucwa/v1` a web ticket. */
export type Family = 'oauth' | 'webTicket';

/** Declared lifetime of an issued token, in seconds. The token never really expires. */
export const tokenLifetimeSeconds = 28_800;

/** Declared lifetime of the token of a meeting's guest, in seconds. */
export const guestLifetimeSeconds = 3600;

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

/**
 * Returns the user name in `name`, `name@domain` or `DOMAIN\\name`. Hyphens become underscores, because
 * only the names of guests contain a hyphen.
 */
export function userNameOf(text: string): string {
  return text.replace(/^.*\\/, '').replace(/@.*$/, '').replaceAll('-', '_').toLowerCase();
}

function bearerOf(headers: FlatHeaders): string | undefined {
  return /^bearer +(\S+)$/i.exec(headerValue(headers, 'authorization') ?? '')?.[1];
}

export class Credentials {
  readonly #random: Random;
  readonly #issued = new BoundedMap<string, { readonly user: string; readonly site: Site }>(
    100_000,
  );
  readonly #tickets = new BoundedMap<string, string>(100_000);

  constructor(random: Random) {
    this.#random = random;
  }

  /** Issues a token that is valid at one site. */
  issueToken(name: string, site: Site): string {
    const user = this.isGuest(name) ? name : userNameOf(name);
    const token = `cwt=${opaque(this.#random, 64)}`;
    this.#issued.set(token, { user, site });
    return token;
  }

  /** Issues a web ticket. */
  issueTicket(user: string): string {
    const ticket = `opaque=${opaque(this.#random, 64)}`;
    this.#tickets.set(ticket, user);
    return ticket;
  }

  /** Returns the name of a new guest of a meeting. */
  newGuest(): string {
    return guestPrefix + digits(this.#random, 8);
  }

  isGuest(user: string): boolean {
    return user.startsWith(guestPrefix);
  }

  /** Returns the user of the request's credential for this family, or undefined if it is invalid. */
  userOf(headers: FlatHeaders, family: Family, site: Site): string | undefined {
    if (family === 'webTicket') {
      const ticket = headerValue(headers, 'x-ms-webticket') ?? '';
      return this.#tickets.get(ticket) ?? testTicket.exec(ticket)?.[1];
    }
    const bearer = bearerOf(headers);
    if (bearer === undefined) return undefined;
    const issued = this.#issued.get(bearer);
    if (issued) return issued.site === site ? issued.user : undefined;
    return testToken.exec(bearer)?.[1];
  }

  /** Whether the request has a token that another site has issued. */
  isOfOtherSite(headers: FlatHeaders, site: Site): boolean {
    const issued = this.#issued.get(bearerOf(headers) ?? '');
    return issued !== undefined && issued.site !== site;
  }
}
