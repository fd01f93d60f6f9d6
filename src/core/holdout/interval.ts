/** The confidence interval for the difference of two means, by Welch (1947). */

export interface Interval {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
}

/** Fewer values say too little about how much values differ. */
const fewestValues = 8;

/**
 * Returns the interval for the mean of the first values minus the mean of the second ones; `undefined` if there are too
 * few values.
 *
 * @param outside the probability that the difference is outside of the interval
 */
export function differenceOf(
  first: readonly number[],
  second: readonly number[],
  outside: number,
): Interval | undefined {
  if (first.length < fewestValues || second.length < fewestValues) return undefined;
  const [one, other] = [momentsOf(first), momentsOf(second)];
  const estimate = one.mean - other.mean;
  const variance = one.ofMean + other.ofMean;
  if (variance === 0) return { estimate, low: estimate, high: estimate };
  const freedom =
    variance ** 2 /
    (one.ofMean ** 2 / (first.length - 1) + other.ofMean ** 2 / (second.length - 1));
  const reach = studentQuantile(outside / 2, freedom) * Math.sqrt(variance);
  return { estimate, low: estimate - reach, high: estimate + reach };
}

/** The mean of the values, and the variance of that mean. */
function momentsOf(values: readonly number[]): { readonly mean: number; readonly ofMean: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, ofMean: squares / (values.length - 1) / values.length };
}

/**
 * The value that a variable with Student's distribution exceeds with this probability. The expansion is 26.7.5 of
 * Abramowitz and Stegun, and exact to 1 % for 7 degrees of freedom and probabilities from 0.0005.
 */
export function studentQuantile(probability: number, freedom: number): number {
  const z = normalQuantile(probability);
  const [z2, n] = [z * z, freedom];
  const terms = [
    (z * (z2 + 1)) / 4,
    (z * (5 * z2 ** 2 + 16 * z2 + 3)) / 96,
    (z * (3 * z2 ** 3 + 19 * z2 ** 2 + 17 * z2 - 15)) / 384,
    (z * (79 * z2 ** 4 + 776 * z2 ** 3 + 1482 * z2 ** 2 - 1920 * z2 - 945)) / 92160,
  ];
  return terms.reduce((sum, term, i) => sum + term / n ** (i + 1), z);
}

/** The value that a normal variable exceeds with this probability: 26.2.23 of Abramowitz and Stegun. */
function normalQuantile(probability: number): number {
  const t = Math.sqrt(-2 * Math.log(probability));
  const above = 2.515517 + 0.802853 * t + 0.010328 * t ** 2;
  return t - above / (1 + 1.432788 * t + 0.189269 * t ** 2 + 0.001308 * t ** 3);
}
