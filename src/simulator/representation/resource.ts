/** UCWA resources as data, from which the JSON and XML forms derive. */

export type Value = string | number | boolean | Date | readonly string[];

export interface Resource {
  readonly rel: string;
  /**
   * Href below the application, such as `me/note`; empty for the application itself. An href that
   * starts with a slash or a scheme is absolute. Characters are already encoded.
   */
  readonly href: string;
  readonly properties?: Readonly<Record<string, Value>>;
  /** Hrefs of links by relation. */
  readonly links?: Readonly<Record<string, string>>;
  /** Embedded resources by relation. A list is also a list in JSON if it has one member. */
  readonly embedded?: Readonly<Record<string, Resource | readonly Resource[]>>;
  readonly etag?: string;
}

/** Returns an href for answers. `base` is the path of the application, without a slash at its end. */
export function resolveHref(base: string, href: string): string {
  if (/^(\/|[a-z]+:)/.test(href)) return href;
  return href === '' || href.startsWith('?') ? base + href : `${base}/${href}`;
}

/** Encodes an id or address as a path segment: in lower case, with plain `@` and `:`. */
export function segment(text: string): string {
  return encodeURIComponent(text.toLowerCase()).replaceAll('%40', '@').replaceAll('%3A', ':');
}
