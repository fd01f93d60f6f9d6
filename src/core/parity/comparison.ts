/** Compares the answer that came in a batch with two direct answers to the same GET. */
import {
  decidingKinds,
  type DifferenceKind,
  differenceKinds,
  type Fingerprint,
} from './fingerprint.ts';

export interface Comparison {
  /**
   * - `same`: all three answers are the same in all that a client can notice.
   * - `differs`: the two direct answers are the same, and the answer from the batch is not.
   * - `noisy`: the two direct answers differ from each other.
   */
  readonly outcome: 'same' | 'differs' | 'noisy';
  /** What differs in the answer from the batch, where both direct answers are the same. */
  readonly kinds: readonly DifferenceKind[];
  /** The odd one of three answers, if two are the same. */
  readonly odd: 'batched' | 'direct' | undefined;
}

/** @param direct the two direct answers, in the order of their requests */
export function compare(
  batched: Fingerprint,
  direct: readonly [Fingerprint, Fingerprint],
): Comparison {
  const [first, second] = direct;
  const kinds = differenceKinds.filter(
    (kind) => first[kind] === second[kind] && batched[kind] !== first[kind],
  );
  const isNoisy = !areSame(first, second);
  // A part of the answer that is noise does not hide that another part differs.
  const differs = kinds.some((kind) => decidingKinds.includes(kind));
  if (differs) return { outcome: 'differs', kinds, odd: 'batched' };
  if (!isNoisy) return { outcome: 'same', kinds, odd: undefined };
  const isOne = areSame(batched, first) || areSame(batched, second);
  return { outcome: 'noisy', kinds, odd: isOne ? 'direct' : undefined };
}

function areSame(one: Fingerprint, other: Fingerprint): boolean {
  return decidingKinds.every((kind) => one[kind] === other[kind]);
}
