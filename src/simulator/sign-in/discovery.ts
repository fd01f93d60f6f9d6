/**
 * The requests of clients before they have an application: autodiscovery, tokens, the XFrame page.
 * All links here are absolute. A client that follows them bypasses a proxy, unless the links lead to
 * the proxy.
 */
import type { ConnectionSignIn } from './connection-sign-in.ts';
import type { Credentials, Family } from './credentials.ts';
import type { FlatHeaders } from '../representation/headers.ts';
import { failed, found, type Outcome } from '../representation/outcome.ts';
import type { Resource } from '../representation/resource.ts';
import { nowhere, page } from './pages.ts';
import type { Sites } from './sites.ts';
import { grants, TokenService } from './token-service.ts';
import { xframeScript } from './xframe.ts';

const root = '/Autodiscover/AutodiscoverService.svc/root';
const tokenPath = '/WebTicket/oauthtoken';
const xframePath = '/Autodiscover/XFrame/XFrame.html';
const webTicketPath = '/WebTicket/WebTicketService.svc';

/** A request for discovery, a token or the XFrame page. */
export interface DiscoveryRequest {
  readonly method: string;
  /** Path in lower case. */
  readonly path: string;
  readonly host: string;
  readonly headers: FlatHeaders;
  readonly body: Buffer;
  readonly connection: ConnectionSignIn;
}

type Page = 'root' | 'user' | 'xframe' | 'token' | 'webTicket';

/** Pages by path. Paths are in lower case. */
const pages: Readonly<Record<string, Page | undefined>> = {
  '/': 'root',
  [root.toLowerCase()]: 'root',
  [`${root}/oauth/user`.toLowerCase()]: 'user',
  [xframePath.toLowerCase()]: 'xframe',
  '/xframe': 'xframe',
  [tokenPath.toLowerCase()]: 'token',
  [webTicketPath.toLowerCase()]: 'webTicket',
};

export class Discovery {
  readonly #credentials: Credentials;
  readonly #tokens: TokenService;
  readonly #sites: () => Sites;

  /** @param sites returns the current addresses of the pool */
  constructor(credentials: Credentials, sites: () => Sites) {
    this.#credentials = credentials;
    this.#tokens = new TokenService(credentials);
    this.#sites = sites;
  }

  /** Returns the name of the latency for this path, or undefined for an unknown path. */
  route(path: string): 'discovery' | 'token' | undefined {
    const known = pages[path];
    if (known === undefined) return undefined;
    return known === 'token' || known === 'webTicket' ? 'token' : 'discovery';
  }

  answer(request: DiscoveryRequest): Outcome {
    const known = pages[request.path];
    if (known === undefined) return nowhere;
    const expected = known === 'token' || known === 'webTicket' ? 'POST' : 'GET';
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    if (method !== expected) return { ...failed(405), headers: ['Allow', expected] };
    const site = this.#sites().at(request.host);
    switch (known) {
      case 'token':
        return this.#tokens.token({ ...request, site });
      case 'webTicket':
        return this.#tokens.webTicket({ ...request, site });
      case 'xframe':
        return page(200, `<script>${xframeScript}</script>`);
      case 'user':
        return this.#user(request);
      case 'root':
        return this.#root();
    }
  }

  /** Returns the answer to a missing or unknown credential, or to a token of another site. */
  unauthorized(headers: FlatHeaders, host: string, family: Family = 'oauth'): Outcome {
    if (this.#credentials.isOfOtherSite(headers, this.#sites().at(host))) {
      const reason = '28032;source="fe01.pool.example";reason="The web ticket is invalid."';
      return page(500, '<h2>500 - Internal server error.</h2>', ['X-Ms-diagnostics', reason]);
    }
    const realm = 'client_id="00000004-0000-0ff1-ce00-000000000000"';
    const { web, home } = this.#sites();
    const base = this.#sites().at(host) === 'home' ? home : web;
    return page(401, '<h2>401 - Unauthorized: Access is denied.</h2>', [
      ...['WWW-Authenticate', `Bearer trusted_issuers="", ${realm}`],
      ...[
        'WWW-Authenticate',
        `MsRtcOAuth href="${base}${tokenPath}",grant_type="${grants.join(',')}"`,
      ],
      ...(family === 'webTicket' ? ['X-MS-WebTicketURL', base + webTicketPath] : []),
      ...['X-Ms-diagnostics', '28020;source="fe01.pool.example";reason="No valid security token."'],
    ]);
  }

  #root(): Outcome {
    const { web } = this.#sites();
    const links = { user: `${web}${root}/oauth/user`, xframe: web + xframePath };
    return found({ rel: 'root', href: web + root, links });
  }

  /** Returns the user resource. A host that only has discovery redirects to the web site. */
  #user({ headers, host }: DiscoveryRequest): Outcome {
    const sites = this.#sites();
    if (sites.isDiscoveryOnly(host)) {
      const links = { redirect: sites.web + root };
      return found({ rel: 'user', href: `${sites.discovery}${root}/oauth/user`, links });
    }
    const user = this.#credentials.userOf(headers, 'oauth', sites.at(host));
    if (user === undefined) return this.unauthorized(headers, host);
    const applications = `${sites.home}/ucwa/oauth/v1/applications`;
    const resource: Resource = {
      rel: 'user',
      href: `${sites.web}${root}/oauth/user`,
      links: {
        applications,
        ...(this.#credentials.isGuest(user)
          ? { anonApplications: applications.replace(/applications$/, 'anonApplications') }
          : {}),
        xframe: sites.home + xframePath,
      },
    };
    return found(resource);
  }
}
