/** What a comparison of answers knows of an answer. It has no text of the answer. */
import type { RawHeaders } from '../messages/http-message.ts';

/** What can differ between two answers. These are label values of a metric. */
export const differenceKinds = [
  'status',
  'header_content',
  'header_links',
  'header_caching',
  'header_session',
  'header_other',
  'body',
] as const;
export type DifferenceKind = (typeof differenceKinds)[number];

/**
 * The kinds that a client can notice. The other fields of a direct answer describe its connection or its request, and
 * pools write them into the envelope of a batch.
 */
export const decidingKinds: readonly DifferenceKind[] = [
  'status',
  'header_content',
  'header_links',
  'body',
];

export type Fingerprint = Readonly<Record<DifferenceKind, string>>;

/** They depend on how the bytes travel. */
const ignored: ReadonlySet<string> = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
]);
const classes: ReadonlyMap<string, DifferenceKind> = new Map([
  ['etag', 'header_content'],
  ['last-modified', 'header_content'],
  ['location', 'header_links'],
  ['content-location', 'header_links'],
  ['link', 'header_links'],
  ['cache-control', 'header_caching'],
  ['expires', 'header_caching'],
  ['pragma', 'header_caching'],
  ['vary', 'header_caching'],
  ['age', 'header_caching'],
  ['set-cookie', 'header_session'],
  ['www-authenticate', 'header_session'],
]);
/** Fields with a value that is part of the answer. Only the names of other fields are compared. */
const comparedValues: ReadonlySet<string> = new Set(['content-type', 'etag', 'location']);

/** @param body a hash of the body */
export function fingerprintOf(status: number, headers: RawHeaders, body: string): Fingerprint {
  const fields: Partial<Record<DifferenceKind, string[]>> = {};
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase();
    if (ignored.has(name)) continue;
    const value = comparedValues.has(name) ? `:${headers[i + 1] as string}` : '';
    (fields[classOf(name)] ??= []).push(name + value);
  }
  const namesOf = (kind: DifferenceKind): string => [...new Set(fields[kind])].sort().join('\n');
  return {
    status: String(status),
    header_content: namesOf('header_content'),
    header_links: namesOf('header_links'),
    header_caching: namesOf('header_caching'),
    header_session: namesOf('header_session'),
    header_other: namesOf('header_other'),
    body,
  };
}

/** The fingerprint of a call without a usable answer. */
export const noAnswer: Fingerprint = fingerprintOf(0, [], '');

function classOf(name: string): DifferenceKind {
  return classes.get(name) ?? (name.startsWith('content-') ? 'header_content' : 'header_other');
}
