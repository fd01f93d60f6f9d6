/** The changes that an answer of the event channel reports: which resources changed, and how. JSON or XML. */
import { decodedFromXml } from './operation-ids.ts';

/** One event. */
export interface Change {
  /** Link relation of the changed resource, for example `contactPresence`. */
  readonly rel: string;
  /** `added`, `updated`, `deleted`, `started` or `completed`. */
  readonly type: string;
  /** The link without its origin, as the client sends it in a GET. */
  readonly target: string;
}

/** Limit for the events of one answer that are read. */
const maxChanges = 1000;

/**
 * Returns `undefined` if the text has more than `maxChanges` events, or is not an answer of the event channel: then
 * any resource may have changed.
 */
export function changesIn(text: string): readonly Change[] | undefined {
  const first = /[^\s\ufeff]/.exec(text)?.[0];
  if (first === '<') return changesInXml(text);
  return first === '{' ? changesInJson(text.replace(/^\ufeff/, '')) : undefined;
}

/** Returns the request target that leads to the link; `undefined` for a link that begins with no slash. */
function targetOf(href: unknown): string | undefined {
  if (typeof href !== 'string') return undefined;
  const target = href.replace(/^https?:\/\/[^/?#]*/i, '').replace(/#[^]*$/, '');
  return target.startsWith('/') ? target : undefined;
}

const types: ReadonlySet<unknown> = new Set([
  'added',
  'updated',
  'deleted',
  'started',
  'completed',
]);

interface JsonEvent {
  readonly type?: unknown;
  readonly link?: { readonly rel?: unknown; readonly href?: unknown } | null;
}

function changesInJson(text: string): readonly Change[] | undefined {
  let content: { sender?: unknown } | null;
  try {
    content = JSON.parse(text) as { sender?: unknown } | null;
  } catch {
    return undefined;
  }
  const changes: Change[] = [];
  for (const sender of listOf(content?.sender)) {
    for (const event of listOf((sender as { events?: unknown } | null)?.events)) {
      const { type, link } = (event ?? {}) as JsonEvent;
      const target = targetOf(link?.href);
      if (target === undefined || !types.has(type)) continue;
      if (changes.length === maxChanges) return undefined;
      changes.push({ rel: textOf(link?.rel), type: String(type), target });
    }
  }
  return changes;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

const eventTag = /<(added|updated|deleted|started|completed)(\s[^<>]{0,4096})>/g;

function changesInXml(text: string): readonly Change[] | undefined {
  const changes: Change[] = [];
  for (const [, type = '', attributes = ''] of text.matchAll(eventTag)) {
    const target = targetOf(attribute(attributes, 'href'));
    if (target === undefined) continue;
    if (changes.length === maxChanges) return undefined;
    changes.push({ rel: attribute(attributes, 'rel') ?? '', type, target });
  }
  return changes;
}

function attribute(attributes: string, name: 'rel' | 'href'): string | undefined {
  const found = new RegExp(`\\s${name}\\s{0,20}=\\s{0,20}(?:"([^"]*)"|'([^']*)')`).exec(attributes);
  const value = found?.[1] ?? found?.[2];
  return value === undefined ? undefined : decodedFromXml(value);
}
