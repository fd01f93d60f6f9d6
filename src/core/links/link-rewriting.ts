/** Gives links that lead to a pool the origin of the client, so that the client stays on the proxy. */
import { comparableAuthority, type Scheme } from './authority.ts';
import type { ClientOrigin } from './client-origin.ts';
import { addressOf, type PoolNames } from './pool-names.ts';

/**
 * Reasons to leave all links of an answer as they are. `coding`: the body does not have a known coding.
 * `redirect_loop`: a redirect would lead to itself.
 */
export const unchangedReasons = ['too_large', 'malformed', 'coding', 'redirect_loop'] as const;
export type UnchangedReason = (typeof unchangedReasons)[number];

/** The new text for the first characters of a link. */
export interface Replacement {
  /** Number of characters that are replaced. */
  readonly length: number;
  readonly text: string;
}

/**
 * Receives a report about each link that leads away.
 *
 * @param authority the name that is not configured; `undefined` if the link has no legal name, or a configured one
 */
export type ReportLeft = (authority: string | undefined) => void;

/** The scheme of a link, which a link that begins with `//` does not have, and its authority. */
const absolute = /^(?:(https?):)?\/\/([^/?#]*)/i;

export class LinkRewriting {
  readonly origin: ClientOrigin;
  readonly #names: PoolNames;
  readonly #secureOrigin: ClientOrigin | undefined;

  /**
   * @param origin its authority is the name of no pool
   * @param secure the origin for https links if these keep https, without an authority if no https origin is known;
   *   `undefined` if these links get `origin` too
   */
  constructor(
    origin: ClientOrigin,
    names: PoolNames,
    secure?: { readonly authority: string | undefined },
  ) {
    this.origin = origin;
    this.#names = names;
    if (secure === undefined) this.#secureOrigin = origin;
    else if (secure.authority === undefined) this.#secureOrigin = undefined;
    else this.#secureOrigin = { scheme: 'https', authority: secure.authority };
  }

  /** Returns the new origin of a link; `undefined` if the link stays as it is. Relative links always do. */
  rewrite(link: string, left: ReportLeft): Replacement | undefined {
    const match = absolute.exec(link);
    if (match === null) return undefined;
    const scheme = match[1] === undefined ? this.origin.scheme : (match[1].toLowerCase() as Scheme);
    const origin = scheme === 'https' ? this.#secureOrigin : this.origin;
    const authority = comparableAuthority(scheme, match[2] ?? '');
    const pool = authority === undefined ? undefined : this.#names.poolOf(authority);
    if (origin === undefined) {
      left(pool === undefined ? authority : undefined);
      return undefined;
    }
    const address = pool === undefined ? undefined : addressOf(this.#names, pool, origin.authority);
    if (address === undefined) {
      // A link to the client's own origin stays on the proxy.
      if (authority !== origin.authority) left(authority);
      return undefined;
    }
    const prefix = match[1] === undefined ? '' : `${origin.scheme}:`;
    return { length: match[0].length, text: `${prefix}//${address}` };
  }
}
