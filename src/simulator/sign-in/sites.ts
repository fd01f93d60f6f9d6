/**
 * The addresses of the pool, as its absolute links have them.
 *
 * Clients begin at the discovery site, sign in at the web site, and have their applications at the home
 * site. A token is valid only at the site that issued it.
 */
export interface SiteUrls {
  /** Base URL of the tokens, the user resource and the XFrame page. The root document links to it. */
  readonly publicUrl: string;
  /** Base URL of a host with nothing but discovery, which redirects to `publicUrl`. */
  readonly discoveryUrl?: string;
  /** Base URL of the applications; default: `publicUrl`. */
  readonly homeUrl?: string;
}

export type Site = 'web' | 'home';

export class Sites {
  readonly web: string;
  readonly discovery: string;
  readonly home: string;

  constructor({ publicUrl, discoveryUrl = publicUrl, homeUrl = publicUrl }: SiteUrls) {
    [this.web = '', this.discovery = '', this.home = ''] = [publicUrl, discoveryUrl, homeUrl].map(
      (url) => url.replace(/\/+$/, ''),
    );
  }

  /** Returns the site with this host. Unknown hosts belong to the web site. */
  at(host: string): Site {
    if (this.home === this.web) return 'web';
    return new URL(this.home).host === host.toLowerCase() ? 'home' : 'web';
  }

  /** Whether this is the host of the discovery site, and of no other site. */
  isDiscoveryOnly(host: string): boolean {
    const { host: name } = new URL(this.discovery);
    return name === host.toLowerCase() && name !== new URL(this.web).host;
  }
}
