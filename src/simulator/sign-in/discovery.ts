/**
 * The requests of clients before they have an application: autodiscovery, the token, the XFrame page.
 * All links here are absolute. A client that follows them bypasses a proxy, unless `publicUrl` is the
 * URL of the proxy.
 */
import { type Credentials, tokenLifetimeSeconds } from '../pool/credentials.ts';
import type { FlatHeaders } from '../representation/headers.ts';
import { failed, found, type Outcome } from '../representation/outcome.ts';
import type { Resource } from '../representation/resource.ts';

const root = '/autodiscover/autodiscoverservice.svc/root';

/** Name of the latency by path. Paths are in lower case; undefined means 404. */
const routes: Readonly<Record<string, 'discovery' | 'token' | undefined>> = {
  '/': 'discovery',
  [root]: 'discovery',
  [`${root}/oauth/user`]: 'discovery',
  '/autodiscover/xframe/xframe.html': 'discovery',
  '/webticket/oauthtoken': 'token',
};

/** A request for discovery, a token or the XFrame page. */
export interface DiscoveryRequest {
  readonly method: string;
  /** Path in lower case. */
  readonly path: string;
  readonly headers: FlatHeaders;
  readonly body: Buffer;
}

function page(status: number, html: string, headers: readonly string[] = []): Outcome {
  const bytes = Buffer.from(`<!DOCTYPE html><html><body>${html}</body></html>`);
  return { status, content: { kind: 'bytes', contentType: 'text/html', bytes }, headers };
}

/** Answer of IIS for an unknown path. */
export const nowhere = page(404, '<h2>404 - File or directory not found.</h2>');

export class Discovery {
  readonly #credentials: Credentials;
  readonly #publicUrl: string;

  /** @param publicUrl base of all links, without a slash at its end */
  constructor(credentials: Credentials, publicUrl: string) {
    this.#credentials = credentials;
    this.#publicUrl = publicUrl;
  }

  /** Returns the name of the latency for this path, or undefined for an unknown path. */
  route(path: string): 'discovery' | 'token' | undefined {
    return routes[path];
  }

  answer(request: DiscoveryRequest): Outcome {
    const expected = request.path === '/webticket/oauthtoken' ? 'POST' : 'GET';
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    if (method !== expected) return { ...failed(405), headers: ['Allow', expected] };
    switch (request.path) {
      case '/webticket/oauthtoken':
        return this.#token(request.body);
      case '/autodiscover/xframe/xframe.html':
        return page(
          200,
          '<script>/* a page that calls UCWA on behalf of another origin */</script>',
        );
      case `${root}/oauth/user`:
        return this.#user(request.headers);
      default:
        return found(this.#resource('root', root, { user: `${root}/oauth/user` }));
    }
  }

  /** Returns the answer to a missing or unknown credential, a page of the web server. */
  unauthorized(): Outcome {
    const realm = 'client_id="00000004-0000-0ff1-ce00-000000000000"';
    const grants = 'urn:microsoft.rtc:windows,urn:microsoft.rtc:anonmeeting,password';
    const href = this.#absolute('/webticket/oauthtoken');
    return page(401, '<h2>401 - Unauthorized: Access is denied.</h2>', [
      ...['WWW-Authenticate', `Bearer trusted_issuers="", ${realm}`],
      ...['WWW-Authenticate', `MsRtcOAuth href="${href}",grant_type="${grants}"`],
      ...['X-Ms-diagnostics', '28020;source="fe01.pool.example";reason="No valid security token."'],
    ]);
  }

  #absolute(path: string): string {
    return this.#publicUrl + path;
  }

  #resource(rel: string, self: string, links: Readonly<Record<string, string>>): Resource {
    const absolute = Object.entries({ ...links, xframe: '/Autodiscover/XFrame/XFrame.html' }).map(
      ([name, path]) => [name, this.#absolute(path)],
    );
    const hrefs = Object.fromEntries(absolute) as Record<string, string>;
    return { rel, href: this.#absolute(self), links: hrefs };
  }

  #user(headers: FlatHeaders): Outcome {
    if (this.#credentials.userOf(headers, 'oauth') === undefined) return this.unauthorized();
    const links = { applications: '/ucwa/oauth/v1/applications' };
    return found(this.#resource('user', `${root}/oauth/user`, links));
  }

  #token(body: Buffer): Outcome {
    const form = new URLSearchParams(body.toString());
    const username = form.get('username') ?? '';
    if (form.get('grant_type') !== 'password')
      return tokenAnswer(400, { error: 'unsupported_grant_type' });
    if (username === '' || form.get('password') === 'wrong') {
      return tokenAnswer(
        400,
        { error: 'invalid_grant', error_description: 'The sign-in failed.' },
        [...['X-Ms-diagnostics', '28010;source="fe01.pool.example";reason="Unable to sign in."']],
      );
    }
    return tokenAnswer(200, {
      access_token: this.#credentials.issueToken(username),
      expires_in: tokenLifetimeSeconds,
      ms_rtc_identityscope: 'local',
      token_type: 'Bearer',
    });
  }
}

function tokenAnswer(
  status: number,
  json: Readonly<Record<string, string | number>>,
  headers: readonly string[] = [],
): Outcome {
  const bytes = Buffer.from(JSON.stringify(json));
  return {
    status,
    content: { kind: 'bytes', contentType: 'application/json; charset=utf-8', bytes },
    headers: ['Cache-Control', 'no-store', ...headers],
  };
}
