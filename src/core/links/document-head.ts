/** Fields of answers with rewritten links, which differ from the pool's answer in length, validators and caching. */
import type { RawHeaders } from '../messages/http-message.ts';

/** Fields that describe the bytes of the pool's body, in lower case. */
export const ofOriginalBytes: ReadonlySet<string> = new Set([
  'content-length',
  'accept-ranges',
  'content-md5',
  'digest',
  'content-digest',
  'repr-digest',
]);

/**
 * Returns the fields of a document with rewritten links. Its bytes are not those that the pool tagged, so a strong
 * `ETag` becomes weak. The pool compares the tag of `If-None-Match` weakly (RFC 9110 section 13.1.2).
 *
 * @param length length of the body; `undefined` for an answer without a body
 */
export function rewrittenHead(headers: RawHeaders, length: number | undefined): RawHeaders {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    const lower = name.toLowerCase();
    if (ofOriginalBytes.has(lower)) continue;
    kept.push(name, lower === 'etag' && value.startsWith('"') ? `W/${value}` : value);
  }
  if (length !== undefined) kept.push('Content-Length', String(length));
  return notShared(kept);
}

const storedByNone = /(?:^|,)[ \t]*(?:private|no-store)[ \t]*(?:,|$)/i;
const storedByAll = /^(?:public|s-maxage(?:=.*)?)$/i;

/**
 * Returns the fields with `Cache-Control: private`. A cache that many clients share must not give one client links to
 * the origin of another one.
 */
export function notShared(headers: RawHeaders): RawHeaders {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    if (name.toLowerCase() !== 'cache-control') {
      kept.push(name, value);
      continue;
    }
    if (storedByNone.test(value)) return headers;
    const directives = value.split(',').map((directive) => directive.trim());
    const others = directives.filter((directive) => !storedByAll.test(directive));
    if (others.length > 0) kept.push(name, others.join(', '));
  }
  kept.push('Cache-Control', 'private');
  return kept;
}
