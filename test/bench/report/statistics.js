/**
 * @param {ArrayLike<number>} ascending
 * @param {number} share from 0 to 1
 * @returns {number} the smallest value that is not below that share of the values; NaN without
 *   values
 */
export function percentile(ascending, share) {
  return ascending[Math.max(0, Math.ceil(ascending.length * share) - 1)] ?? NaN;
}

/**
 * @typedef {object} Spread
 * @property {number} median
 * @property {number} min
 * @property {number} max
 */

/**
 * @param {readonly number[]} values in any order
 * @returns {Spread} all NaN without values
 */
export function spread(values) {
  const ascending = [...values].sort((a, b) => a - b);
  const middle = ascending.length / 2;
  const lower = ascending[Math.ceil(middle) - 1] ?? NaN;
  const upper = ascending[Math.floor(middle)] ?? NaN;
  return { median: (lower + upper) / 2, min: ascending[0] ?? NaN, max: ascending.at(-1) ?? NaN };
}

/**
 * Returns ratios of consecutive measurements: a temporary slowdown of the machine affects both.
 *
 * @param {readonly number[]} ours
 * @param {readonly number[]} theirs the same number, in the order of the rounds
 * @returns {number[]}
 */
export function ratios(ours, theirs) {
  if (ours.length !== theirs.length) {
    throw new Error(`${ours.length} rounds cannot be paired with ${theirs.length}`);
  }
  return ours.map((value, round) => value / (theirs[round] ?? NaN));
}
