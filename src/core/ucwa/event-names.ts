/**
 * An answer of the event channel names operations by their ids, and resources by their paths. The answer
 * is JSON or XML.
 */
import { decodedFromXml, isOperationId, operationIdsInXml } from './operation-ids.ts';

/** A resource that a `started` event names. Each operation begins with this event. */
export interface StartedResource {
  /** See `resourcePath`. */
  readonly path: string;
  readonly operationIds: readonly string[];
  /** Whether another person started the operation. */
  readonly isIncoming: boolean;
}

export class EventNames {
  readonly operationIds: ReadonlySet<string>;
  readonly started: readonly StartedResource[];
  /** All links, as the pool spelled them. */
  readonly #hrefs: readonly string[];
  /** The paths of all links; `undefined` before they are needed. */
  #paths: ReadonlySet<string> | undefined;

  constructor(
    operationIds: Iterable<string>,
    started: readonly StartedResource[],
    hrefs: readonly string[],
  ) {
    this.operationIds = new Set(operationIds);
    this.started = started;
    this.#hrefs = hrefs;
  }

  /** Whether a link leads to the resource with this path, see `resourcePath`, or below it. */
  hasResource(path: string): boolean {
    this.#paths ??= new Set(this.#hrefs.map((href) => resourcePath(href) ?? ''));
    if (this.#paths.has(path)) return true;
    for (const named of this.#paths) if (isBelow(named, path)) return true;
    return false;
  }
}

/** Returns `undefined` if the text is not an answer of the event channel that the proxy can read. */
export function readEventNames(text: string): EventNames | undefined {
  const first = /[^\s\ufeff]/.exec(text)?.[0];
  if (first === '<') return readXml(text);
  return first === '{' ? readJson(text.replace(/^\ufeff/, '')) : undefined;
}

/**
 * Returns the path of a link or a target in a form to compare: without origin, query and last slash, decoded,
 * and in lower case, because the pool ignores case. Returns `undefined` for a link that begins with no slash.
 */
export function resourcePath(href: string): string | undefined {
  const path = href.replace(/^https?:\/\/[^/?#]*/i, '').replace(/[?#][^]*$/, '');
  if (!path.startsWith('/')) return undefined;
  const joined = path.replace(/^\/+/, '/').replace(/(?<=.)\/$/, '');
  try {
    return decodeURIComponent(joined).toLowerCase();
  } catch {
    return joined.toLowerCase();
  }
}

/** Whether the path, see `resourcePath`, is below the other one. */
export function isBelow(path: string, parent: string): boolean {
  return path.length > parent.length && path[parent.length] === '/' && path.startsWith(parent);
}

interface Found {
  readonly operationIds: string[];
  readonly hrefs: string[];
  isIncoming: boolean;
  /** Objects that are events of the type `started`. */
  readonly events: object[];
}

function readJson(text: string): EventNames | undefined {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { operationIds, hrefs, events } = search(content);
  const started = events.flatMap((event) => {
    const link = (event as { link?: { href?: unknown } | null }).link;
    const path = typeof link?.href === 'string' ? resourcePath(link.href) : undefined;
    if (path === undefined) return [];
    const { operationIds: ids, isIncoming } = search(event, true);
    return [{ path, operationIds: ids, isIncoming }];
  });
  return new EventNames(operationIds, started, hrefs);
}

/**
 * Visits all objects, without recursion because the content may be nested deeply.
 *
 * @param isEvent whether to leave out events inside of this one, so that each object is visited at most twice
 */
function search(content: unknown, isEvent = false): Found {
  const found: Found = { operationIds: [], hrefs: [], isIncoming: false, events: [] };
  const open: unknown[] = [content];
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    if (typeof item !== 'object' || item === null) continue;
    if (isEvent && item !== content && isStarted(item)) continue;
    if (isStarted(item)) found.events.push(item);
    for (const [name, value] of Object.entries(item)) {
      if (typeof value === 'object') open.push(value);
      else if (name === 'href' && typeof value === 'string') found.hrefs.push(value);
      else if (isOperationId(name)) found.operationIds.push(String(value));
      else if (name === 'direction') found.isIncoming ||= /^incoming$/i.test(String(value));
    }
  }
  return found;
}

function isStarted(item: { type?: unknown }): boolean {
  return item.type === 'started';
}

const hrefAttribute = /\shref\s{0,20}=\s{0,20}(?:"([^"]*)"|'([^']*)')/g;
const startTag = '<started';
const endTag = '</started';

function hrefsIn(xml: string): string[] {
  return Array.from(xml.matchAll(hrefAttribute), ([, double, single]) =>
    decodedFromXml(double ?? single ?? ''),
  );
}

function readXml(text: string): EventNames {
  const started: StartedResource[] = [];
  let at = text.indexOf(startTag);
  while (at !== -1) {
    const tagEnd = text.indexOf('>', at);
    if (tagEnd === -1) break;
    const end = text[tagEnd - 1] === '/' ? tagEnd : text.indexOf(endTag, tagEnd);
    if (end === -1) break;
    const path = resourcePath(hrefsIn(text.slice(at, tagEnd))[0] ?? '');
    const inside = text.slice(tagEnd, end);
    if (path !== undefined) {
      const isIncoming = />\s{0,20}incoming\s{0,20}</i.test(inside);
      started.push({ path, operationIds: operationIdsInXml(inside), isIncoming });
    }
    at = text.indexOf(startTag, end);
  }
  return new EventNames(operationIdsInXml(text), started, hrefsIn(text));
}
