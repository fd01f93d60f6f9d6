/** A value inside an encoded document, such as a string of JSON, with the position of each character. */

export interface EncodedText {
  /** The decoded value. */
  readonly text: string;
  /** Offset of the encoded value in the document. */
  readonly start: number;
  /** Offset of each decoded character from `start`, and of the end; `undefined` if no character is encoded. */
  readonly offsets: readonly number[] | undefined;
}

/**
 * Decodes the value at `start`.
 *
 * @param escape matches each escape sequence, with the flag `g`
 * @param decode returns the decoded form of an escape sequence
 */
export function encodedText(
  raw: string,
  start: number,
  escape: RegExp,
  decode: (sequence: string) => string,
): EncodedText {
  let text = '';
  let at = 0;
  const offsets: number[] = [];
  const take = (decoded: string, length: number): void => {
    for (let i = 0; i < decoded.length; i += 1) offsets.push(at + (length === 0 ? i : 0));
    text += decoded;
    at += length === 0 ? decoded.length : length;
  };
  for (const { 0: sequence, index } of raw.matchAll(escape)) {
    take(raw.slice(at, index), 0);
    take(decode(sequence), sequence.length);
  }
  if (at === 0) return { text: raw, start, offsets: undefined };
  take(raw.slice(at), 0);
  offsets.push(at);
  return { text, start, offsets };
}

/** Returns the offset of a decoded character in the document. */
export function offsetIn({ start, offsets }: EncodedText, index: number): number {
  return start + (offsets === undefined ? index : (offsets[index] as number));
}
