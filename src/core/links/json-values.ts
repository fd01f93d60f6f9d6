/** Finds string values of JSON documents, with their positions. */
import { type EncodedText, encodedText } from './encoded-text.ts';

/** The strings and the structural characters of a legal document (RFC 8259 section 2). */
const token = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/g;

const escape = /\\(?:u[0-9A-Fa-f]{4}|.)/g;
const decodeEscape = (sequence: string): string => JSON.parse(`"${sequence}"`) as string;

/**
 * Returns the string values of all members with one of these names, in the order of the document. Returns `undefined`
 * if the document is not legal JSON.
 *
 * @param names the names of the members
 */
export function jsonValues(
  document: string,
  names: ReadonlySet<string>,
): readonly EncodedText[] | undefined {
  try {
    JSON.parse(document);
  } catch {
    return undefined;
  }
  const found: EncodedText[] = [];
  let last: string | undefined;
  let name: string | undefined;
  for (const { 0: text, index } of document.matchAll(token)) {
    if (text === ':') {
      name = last;
    } else if (!text.startsWith('"')) {
      name = undefined;
    } else if (name === undefined) {
      last = text.includes('\\') ? (JSON.parse(text) as string) : text.slice(1, -1);
    } else {
      if (names.has(name)) {
        found.push(encodedText(text.slice(1, -1), index + 1, escape, decodeEscape));
      }
      name = undefined;
    }
  }
  return found;
}
