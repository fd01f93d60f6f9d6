/** Absolute links of a UCWA discovery document by relation, such as `user` or `xframe`. */
export type DiscoveryLinks = ReadonlyMap<string, URL>;

const maxHrefLength = 2048;

/**
 * Reads the links of a document of UCWA's Autodiscover service ("Root URL" in the UCWA documentation).
 * This document is JSON with `_links`, among them an absolute link `self` or `user`.
 *
 * @returns undefined for any other text
 */
export function readDiscovery(text: string): DiscoveryLinks | undefined {
  const links = new Map<string, URL>();
  for (const [relation, link] of Object.entries(linksOf(text))) {
    const href = hrefOf(link);
    // Links are printed on a terminal, so a link with unusual characters is dropped.
    if (/^[\w.-]+$/.test(relation) && href && /^https?:\/\//i.test(href) && URL.canParse(href)) {
      links.set(relation, new URL(href));
    }
  }
  return links.has('self') || links.has('user') ? links : undefined;
}

/** Returns the relations with a link to a host or port other than that of `asked`. */
export function foreignRelations(links: DiscoveryLinks, asked: URL): string[] {
  return [...links].filter(([, { host }]) => host !== asked.host).map(([relation]) => relation);
}

function linksOf(text: string): object {
  try {
    // Some pools begin their JSON with a byte order mark.
    const document = JSON.parse(text.replace(/^\uFEFF/, '')) as { _links?: unknown } | null;
    const links = document?._links;
    return typeof links === 'object' && links !== null ? links : {};
  } catch {
    return {};
  }
}

function hrefOf(link: unknown): string | undefined {
  const href = (link as { href?: unknown } | null | undefined)?.href;
  return typeof href === 'string' && href.length <= maxHrefLength ? href : undefined;
}
