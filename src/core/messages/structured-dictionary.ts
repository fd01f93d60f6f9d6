/** Reads dictionaries, one of the types of structured field values (RFC 9651 section 4.2.2). */

/** The value of a member: an integer, or `undefined` for a value of any other type. */
export type MemberValue = number | undefined;

const key = /[a-z*][a-z0-9_.*-]*/y;
const number = /-?(?:[0-9]{1,12}\.[0-9]{1,3}|[0-9]{1,15})(?![0-9.])/y;
/** A string, a token, a byte sequence, a boolean or a date. */
const otherItem =
  /"(?:[ !#-[\]-~]|\\["\\])*"|[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*|:[A-Za-z0-9+/=]*:|\?[01]|@-?[0-9]{1,15}(?![0-9.])/y;
const displayString = /%"((?:[ !#$&-~]|%[0-9a-f]{2})*)"/y;
const spaces = / */y;
const optionalWhitespace = /[ \t]*/y;

/** The value is no dictionary. The recipient must then ignore the whole field. */
class NotADictionary extends Error {}

/**
 * Returns the members of a dictionary, or `undefined` if the text is none. The last of several members with the
 * same name counts.
 *
 * @param text the values of all fields of that name, joined by commas
 */
export function readDictionary(text: string): ReadonlyMap<string, MemberValue> | undefined {
  try {
    return new DictionaryReader(text).read();
  } catch (error) {
    if (error instanceof NotADictionary) return undefined;
    throw error;
  }
}

class DictionaryReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): ReadonlyMap<string, MemberValue> {
    const members = new Map<string, MemberValue>();
    this.#skip(spaces);
    while (this.#at < this.#text.length) {
      const name = this.#take(key);
      members.set(name, this.#take1('=') ? this.#value() : undefined);
      this.#parameters();
      this.#skip(optionalWhitespace);
      if (this.#at === this.#text.length) break;
      if (!this.#take1(',')) throw new NotADictionary();
      this.#skip(optionalWhitespace);
      if (this.#at === this.#text.length) throw new NotADictionary();
    }
    return members;
  }

  #value(): MemberValue {
    if (!this.#take1('(')) return this.#item();
    for (;;) {
      const from = this.#at;
      this.#skip(spaces);
      if (this.#take1(')')) return undefined;
      if (this.#at === from && this.#text[from - 1] !== '(') throw new NotADictionary();
      this.#item();
      this.#parameters();
    }
  }

  /** Reads an item without its parameters. */
  #item(): MemberValue {
    const digits = this.#match(number);
    if (digits !== undefined) return digits.includes('.') ? undefined : Number(digits);
    if (this.#match(otherItem) === undefined) checkUtf8(this.#take(displayString));
    return undefined;
  }

  #parameters(): void {
    while (this.#take1(';')) {
      this.#skip(spaces);
      this.#take(key);
      if (this.#take1('=')) this.#item();
    }
  }

  #take1(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #take(pattern: RegExp): string {
    const matched = this.#match(pattern);
    if (matched === undefined) throw new NotADictionary();
    return matched;
  }

  #skip(pattern: RegExp): void {
    this.#match(pattern);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const matched = pattern.exec(this.#text)?.[0];
    if (matched !== undefined) this.#at += matched.length;
    return matched;
  }
}

/** A display string has its other characters in UTF-8, as `%` and two digits for each byte. */
function checkUtf8(quoted: string): void {
  try {
    decodeURIComponent(quoted.slice(1));
  } catch {
    throw new NotADictionary();
  }
}
