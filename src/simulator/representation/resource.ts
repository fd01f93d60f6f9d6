/** UCWA resources as data: the one source of their JSON and XML forms. */

export type Value = string | number | boolean | Date | readonly string[];

export interface Resource {
  readonly rel: string;
  /**
   * Where it is: below the application (`me/note`; empty for the application itself), or absolute
   * if it starts with a slash or a scheme. Characters are encoded already.
   */
  readonly href: string;
  readonly properties?: Readonly<Record<string, Value>>;
  /** Hrefs by relation. */
  readonly links?: Readonly<Record<string, string>>;
  /** Resources inside, by relation; a list stays a list in JSON even with one member. */
  readonly embedded?: Readonly<Record<string, Resource | readonly Resource[]>>;
  readonly etag?: string;
}

/** The href as it stands in an answer, for an application at `base` (no slash at its end). */
export function resolveHref(base: string, href: string): string {
  if (/^(\/|[a-z]+:)/.test(href)) return href;
  return href === '' || href.startsWith('?') ? base + href : `${base}/${href}`;
}

/** An id or address as a path segment, lower case, with `@` and `:` as they are. */
export function segment(text: string): string {
  return encodeURIComponent(text.toLowerCase()).replaceAll('%40', '@').replaceAll('%3A', ':');
}
