/**
 * The content codings that a client accepts (RFC 9110 section 12.5.3), and that the proxy may use for the answers to
 * it. docs/decisions/021-compression.md gives the reasons.
 */
import type { HeadFacts } from '../admit/request-head.ts';

export type Coding = 'gzip' | 'br';

export interface Offer {
  /** The coding of a body that the proxy has as a whole. */
  readonly whole: Coding;
  /** The coding of a body that streams; `undefined` if the client does not accept gzip. */
  readonly stream: 'gzip' | undefined;
  /** Shorter bodies are not coded. */
  readonly minBytes: number;
}

/** Below this size the fields about the coding cost most of what the coding saves. */
const usualMinBytes = 1025;

type OfferFacts = Pick<
  HeadFacts,
  'acceptEncoding' | 'noTransform' | 'authorization' | 'webTicket' | 'cookie' | 'contentType'
>;

/** Returns what the client accepts; `undefined` if the proxy must not code the answers. */
export function offerOf(facts: OfferFacts): Offer | undefined {
  if (facts.noTransform || hasAmbientCredential(facts) || isForm.test(facts.contentType ?? '')) {
    return undefined;
  }
  return readAcceptEncoding(facts.acceptEncoding ?? '');
}

/** The credentials of a token request. Its answer can repeat fields of the form beside the token. */
const isForm = /^application\/x-www-form-urlencoded\b/i;

/**
 * Whether a browser adds the credential by itself. A foreign page can then ask for answers that repeat text of its
 * choice beside secrets, and measure their lengths (BREACH).
 */
function hasAmbientCredential({ authorization, webTicket, cookie }: OfferFacts): boolean {
  if (webTicket !== undefined) return false;
  if (authorization === undefined) return cookie !== undefined;
  return !/^bearer[ \t]/i.test(authorization);
}

const legalWeight = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/i;

/** Reads the value of `Accept-Encoding`. A coding with an illegal weight counts as refused. */
export function readAcceptEncoding(value: string): Offer | undefined {
  const weights = new Map<string, number>();
  for (const element of value.toLowerCase().split(',')) {
    const [token = '', ...parameters] = element.split(';').map((text) => text.trim());
    if (token === '') continue;
    const coding = token === 'x-gzip' ? 'gzip' : token;
    const weight = weightOf(parameters);
    // If a coding comes twice, the lower weight counts.
    weights.set(coding, Math.min(weight, weights.get(coding) ?? 1));
  }
  const any = weights.get('*');
  const gzip = weights.get('gzip') ?? any ?? 0;
  // `*` alone is no proof that the client can read br.
  const br = weights.get('br') ?? 0;
  const best = Math.max(gzip, br);
  const identity = weights.get('identity');
  if (best === 0 || (identity ?? 0) > best) return undefined;
  return {
    whole: br > 0 && br >= gzip ? 'br' : 'gzip',
    stream: gzip > 0 ? 'gzip' : undefined,
    minBytes: (identity ?? any) === 0 ? 1 : usualMinBytes,
  };
}

function weightOf(parameters: readonly string[]): number {
  const [parameter, ...more] = parameters;
  if (parameter === undefined) return 1;
  const weight = legalWeight.exec(parameter)?.[1];
  return weight === undefined || more.length > 0 ? 0 : Number(weight);
}
