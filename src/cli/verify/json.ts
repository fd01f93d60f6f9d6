/** Returns the object of a JSON document, or an empty object. A byte order mark may precede it. */
export function jsonOf(body: Buffer): object {
  try {
    const value: unknown = JSON.parse(body.toString('utf8').replace(/^\uFEFF/, ''));
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** Returns the target of a link of a resource, if it leads to a path of this origin. */
export function linkOf(body: Buffer, relation: string, origin: string): string | undefined {
  const { _links } = jsonOf(body) as { _links?: Record<string, { href?: unknown } | undefined> };
  const href = _links?.[relation]?.href;
  return typeof href === 'string' ? ownTarget(href, origin) : undefined;
}

const maxTargetLength = 2048;

/** Returns path and query of a link, if it leads to this origin. */
export function ownTarget(href: string, origin: string): string | undefined {
  if (href.length > maxTargetLength || !URL.canParse(href, origin)) return undefined;
  const url = new URL(href, origin);
  return url.origin === origin ? url.pathname + url.search : undefined;
}
