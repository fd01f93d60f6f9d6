/** Rewrites links in the body of an answer. All other bytes of the body stay as they are. */
import { type EncodedText, offsetIn } from './encoded-text.ts';
import { jsonValues } from './json-values.ts';
import type { Replacement } from './link-rewriting.ts';
import { type XmlNames, xmlValues } from './xml-values.ts';

export type DocumentFormat = 'json' | 'xml';

/** Names of the values that are links. */
export interface LinkNames {
  /** Members of JSON objects. */
  readonly json: ReadonlySet<string>;
  readonly xml: XmlNames;
}

/** Charsets in which each byte below 0x80 is a character of ASCII. */
const asciiCompatible = /^(?:utf-?8|us-ascii|ascii|iso-8859-1|latin1|windows-1252)$/i;
const charset = /;[ \t]*charset[ \t]*=[ \t]*"?([^";, \t]*)/i;
const declaration = /^\s*<\?xml\s[^>]*?\sencoding\s*=\s*["']([^"']*)["']/;

/** Returns the format of a body; `undefined` if it is neither JSON nor XML in a known charset. */
export function documentFormat(contentType: string | undefined): DocumentFormat | undefined {
  const format = /[/+](json|xml)[ \t]*(?:;|$)/i.exec(contentType ?? '')?.[1]?.toLowerCase();
  const name = charset.exec(contentType ?? '')?.[1];
  if (name !== undefined && !asciiCompatible.test(name)) return undefined;
  return format as DocumentFormat | undefined;
}

/**
 * Returns the body with its links rewritten: `body` itself if no link changes, `undefined` if the body is malformed.
 *
 * @param rewrite returns the new start of a link
 */
export function rewriteBody(
  body: Buffer,
  format: DocumentFormat,
  names: LinkNames,
  rewrite: (link: string) => Replacement | undefined,
): Buffer | undefined {
  // Each character is one byte, so the offsets of the text are those of the body.
  const text = body.toString('latin1').replace(/^\xef\xbb\xbf/, '   ');
  const values = format === 'json' ? jsonValues(text, names.json) : xmlIn(text, names.xml);
  if (values === undefined) return undefined;
  const pieces: Buffer[] = [];
  let at = 0;
  for (const value of values) {
    const replacement = rewrite(value.text);
    if (replacement === undefined) continue;
    pieces.push(body.subarray(at, offsetIn(value, 0)));
    pieces.push(Buffer.from(encodeLike(value, replacement, text), 'latin1'));
    at = offsetIn(value, replacement.length);
  }
  return at === 0 ? body : Buffer.concat([...pieces, body.subarray(at)]);
}

function xmlIn(text: string, names: XmlNames): readonly EncodedText[] | undefined {
  const encoding = declaration.exec(text)?.[1];
  if (encoding !== undefined && !asciiCompatible.test(encoding)) return undefined;
  return xmlValues(text, names);
}

/** Returns the new text with its slashes escaped as in the text that it replaces. */
function encodeLike(value: EncodedText, { length, text }: Replacement, document: string): string {
  const replaced = document.slice(offsetIn(value, 0), offsetIn(value, length));
  return replaced.includes('\\/') ? text.replaceAll('/', '\\/') : text;
}
