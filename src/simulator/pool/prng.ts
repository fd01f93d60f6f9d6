/**
 * A small pseudo-random number generator (mulberry32). Two simulators with the same seed draw the same
 * latencies and ids in the same order. Not for secrets.
 */

/** Returns the next number, at least 0 and less than 1. */
export type Random = () => number;

/** Returns a generator. The same `seed` (an integer) gives the same numbers. */
export function mulberry32(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

function fromAlphabet(random: Random, alphabet: string, length: number): string {
  let text = '';
  for (let i = 0; i < length; i++) text += alphabet.charAt(Math.floor(random() * alphabet.length));
  return text;
}

/** Returns `length` decimal digits; the first is never 0. */
export function digits(random: Random, length: number): string {
  return fromAlphabet(random, '123456789', 1) + fromAlphabet(random, '0123456789', length - 1);
}

/** Returns `length` characters of the base64url alphabet. */
export function opaque(random: Random, length: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return fromAlphabet(random, alphabet, length);
}

/** Returns a lower-case GUID without braces. */
export function guid(random: Random): string {
  return [8, 4, 4, 4, 12]
    .map((length) => fromAlphabet(random, '0123456789abcdef', length))
    .join('-');
}
