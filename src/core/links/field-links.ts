/** Rewrites links in the header fields of an answer. */
import { elementRanges, schemeOf } from '../answer/challenges.ts';
import type { RawHeaders } from '../messages/http-message.ts';
import { challengeField, linkedScheme, linkFields, type LinkKind } from '../ucwa/links.ts';
import type { Replacement } from './link-rewriting.ts';

/** Returns the new start of a link of this kind; `undefined` if it stays as it is. */
export type RewriteLink = (kind: LinkKind, link: string) => Replacement | undefined;

/** The lengths of the names of all fields with links, for a fast check. */
export const linkFieldLengths: ReadonlySet<number> = new Set(
  [...Object.keys(linkFields), challengeField].map((name) => name.length),
);

/** Returns the fields with their links rewritten: `headers` itself if no link changes. */
export function rewriteFields(headers: RawHeaders, rewrite: RewriteLink): RawHeaders {
  let changed: string[] | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1] as string;
    const rewritten = rewriteField((headers[i] as string).toLowerCase(), value, rewrite);
    if (rewritten === value) continue;
    changed ??= [...headers];
    changed[i + 1] = rewritten;
  }
  return changed ?? headers;
}

function rewriteField(name: string, value: string, rewrite: RewriteLink): string {
  if (!value.includes('//')) return value;
  if (name === challengeField) return rewriteChallenges(value, rewrite);
  const kind = linkFields[name];
  const replacement = kind === undefined ? undefined : rewrite(kind, value);
  return replacement === undefined ? value : replacement.text + value.slice(replacement.length);
}

const href = /^[ \t]*href[ \t]*=[ \t]*"?/i;

/** Rewrites the `href` of each challenge with the scheme `linkedScheme`. Other parameters stay as they are. */
function rewriteChallenges(value: string, rewrite: RewriteLink): string {
  let rewritten = '';
  let at = 0;
  let scheme: string | undefined;
  for (const [from, to] of elementRanges(value)) {
    const opening = schemeOf(value.slice(from, to));
    scheme = opening?.name ?? scheme;
    if (scheme !== linkedScheme) continue;
    const start = from + (opening?.length ?? 0);
    const before = href.exec(value.slice(start, to))?.[0];
    if (before === undefined) continue;
    const linkStart = start + before.length;
    const replacement = rewrite('challenge', value.slice(linkStart, to).replace(/"$/, ''));
    if (replacement === undefined) continue;
    rewritten += value.slice(at, linkStart) + replacement.text;
    at = linkStart + replacement.length;
  }
  return rewritten + value.slice(at);
}
