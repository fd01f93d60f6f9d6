/** The answers of a pool that lead clients to absolute links, and the places of these links. */
import type { LinkNames } from '../links/body-links.ts';

/** Places of links: label values of `ucwa_proxy_rewritten_links_total` for links that were rewritten. */
export const linkKinds = [
  'location',
  'content_location',
  'challenge',
  'web_ticket',
  'discovery',
  'application',
  'token',
] as const;
export type LinkKind = (typeof linkKinds)[number];

/** An answer with links in its body. */
export type LinkDocument = Extract<LinkKind, 'discovery' | 'application' | 'token'>;

/** A fast check for the targets of all documents. Clients may begin a target with several slashes. */
const maybeDocument = /^\/+(?:$|\?|autodiscover\/|webticket\/|ucwa\/)/i;

const discovery = /^\/(?:autodiscover\/autodiscoverservice\.svc(?:\/.*)?)?$/;
const applications = /^\/ucwa\/(?:oauth\/)?v1\/(?:anon)?applications\/?$/;
const token = /^\/webticket\/oauthtoken\/?$/;
/** The description of the web ticket service. Its other answers are signed, and have no links. */
const description = /^\/webticket\/webticketservice\.svc(?:\/mex)?$/;

/** Returns the kind of the document that answers the request; `undefined` if no document does. */
export function documentOf(method: string, target: string): LinkDocument | undefined {
  if (!maybeDocument.test(target)) return undefined;
  const path = target
    .replace(/\?[^]*$/, '')
    .replace(/^\/+/, '/')
    .toLowerCase();
  const isRead = method === 'GET' || method === 'HEAD';
  if (isRead && discovery.test(path)) return 'discovery';
  if (method === 'POST' && applications.test(path)) return 'application';
  if (method === 'POST' && token.test(path)) return 'token';
  const isDescription = isRead || (method === 'POST' && path.endsWith('/mex'));
  return isDescription && description.test(path) ? 'token' : undefined;
}

const hrefs: LinkNames = {
  json: new Set(['href']),
  xml: { attributes: new Set(['href']), elements: new Set() },
};

/** The names of the links in each kind of document. */
export const linkNames: Readonly<Record<LinkDocument, LinkNames>> = {
  discovery: hrefs,
  application: hrefs,
  token: {
    // The page where a browser signs in, if the client asked for a passive sign-in.
    json: new Set(['ms_rtc_passiveauthuri']),
    // The addresses of the service in its description (WSDL).
    xml: { attributes: new Set(['location']), elements: new Set(['Address']) },
  },
};

/** Header fields with a link, in lower case. */
export const linkFields: Readonly<Partial<Record<string, LinkKind>>> = {
  location: 'location',
  'content-location': 'content_location',
  'x-ms-webticketurl': 'web_ticket',
};

/** The scheme of challenges that lead to the token service by the parameter `href`, in lower case. */
export const linkedScheme = 'msrtcoauth';

/** The field with these challenges, in lower case. */
export const challengeField = 'www-authenticate';
