/**
 * Finds attributes and texts of XML documents, with their positions. The reader understands only documents as pools
 * write them. It rejects a document type declaration, because entities could then stand for anything.
 */
import { referencedCharacter } from '../ucwa/xml-references.ts';
import { type EncodedText, encodedText } from './encoded-text.ts';

/** The names of the values to find, without prefixes. */
export interface XmlNames {
  readonly attributes: ReadonlySet<string>;
  /** Elements that contain only a text. */
  readonly elements: ReadonlySet<string>;
}

const reference = /&[^;]*;?/g;

const ignored = /<!--[^-]*(?:-(?!-)[^-]*)*-->|<\?[^?]*(?:\?(?!>)[^?]*)*\?>/y;
const characterData = /<!\[CDATA\[[^\]]*(?:\](?!\]>)[^\]]*)*\]\]>/y;
const text = /[^<]+/y;
const endTag = /<\/([^\s<>/="'&!?]+)\s*>/y;
const startTag = /<([^\s<>/="'&!?]+)/y;
const attribute = /\s+([^\s<>/="'&]+)\s*=\s*(?:"([^<"]*)"|'([^<']*)')/y;
const tagEnd = /\s*(\/?)>/y;

/** Reads a document from its start to its end. */
class Reader {
  readonly found: EncodedText[] = [];
  readonly #document: string;
  readonly #names: XmlNames;
  readonly #open: string[] = [];
  #at = 0;
  #hasRoot = false;
  /** Whether the last token was the start tag of an element in `names.elements`. */
  #isWanted = false;

  constructor(document: string, names: XmlNames) {
    this.#document = document;
    this.#names = names;
  }

  /** Returns `false` if the document is not well-formed. */
  read(): boolean {
    while (this.#at < this.#document.length) if (!this.#readToken()) return false;
    return this.#hasRoot && this.#open.length === 0;
  }

  #readToken(): boolean {
    if (this.#take(ignored) !== null) return true;
    const content = this.#take(text);
    if (content !== null) return this.#readText(content[0], this.#at - content[0].length);
    this.#isWanted = false;
    if (this.#take(characterData) !== null) return this.#open.length > 0;
    const end = this.#take(endTag);
    if (end !== null) return this.#open.pop() === end[1];
    const start = this.#take(startTag);
    return start !== null && this.#readStartTag(start[1] as string);
  }

  #readText(content: string, from: number): boolean {
    if (!isLegal(content)) return false;
    if (this.#open.length === 0) return content.trim() === '';
    if (this.#isWanted) this.#add(content, from);
    this.#isWanted = false;
    return true;
  }

  #readStartTag(name: string): boolean {
    if (this.#open.length === 0 && this.#hasRoot) return false;
    this.#hasRoot = true;
    for (let match = this.#take(attribute); match !== null; match = this.#take(attribute)) {
      const value = match[2] ?? match[3] ?? '';
      if (!isLegal(value)) return false;
      // The closing quote follows the value.
      if (this.#names.attributes.has(match[1] as string)) {
        this.#add(value, this.#at - 1 - value.length);
      }
    }
    const end = this.#take(tagEnd);
    if (end === null) return false;
    if (end[1] === '/') return true;
    this.#open.push(name);
    this.#isWanted = this.#names.elements.has(name.slice(name.indexOf(':') + 1));
    return true;
  }

  #add(value: string, from: number): void {
    this.found.push(encodedText(value, from, reference, decodeReference));
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#document);
    if (match !== null) this.#at = pattern.lastIndex;
    return match;
  }
}

function isLegal(value: string): boolean {
  for (const [sequence] of value.matchAll(reference)) {
    if (referencedCharacter(sequence) === undefined) return false;
  }
  return true;
}

function decodeReference(sequence: string): string {
  return referencedCharacter(sequence) ?? '';
}

/**
 * Returns the values with these names, in the order of the document. Returns `undefined` if the document is not
 * well-formed, or has a document type declaration.
 */
export function xmlValues(document: string, names: XmlNames): readonly EncodedText[] | undefined {
  const reader = new Reader(document, names);
  return reader.read() ? reader.found : undefined;
}
