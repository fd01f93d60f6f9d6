/** References in XML: to the predefined entities, and to characters by their numbers. */

const legalReference = /^&(?:(amp|lt|gt|quot|apos)|#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6}));$/;

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};
const maxCodePoint = 0x10ffff;

/**
 * Returns the character for a reference. Returns an empty string if there is no character with the number, and
 * `undefined` if the text is no reference of this kind.
 */
export function referencedCharacter(reference: string): string | undefined {
  const match = legalReference.exec(reference);
  if (match === null) return undefined;
  const [, entity, decimal, hexadecimal] = match;
  if (entity !== undefined) return entities[entity];
  const code = decimal === undefined ? parseInt(hexadecimal ?? '', 16) : Number(decimal);
  return code > maxCodePoint ? '' : String.fromCodePoint(code);
}
