/**
 * Two tests that may be looked at after each comparison.
 *
 * Both multiply likelihood ratios. Under its hypothesis, the product is a martingale with the mean 1. It thus exceeds 1/a
 * at any time at all with a probability of at most a (Ville 1939; Ramdas, Grünwald, Vovk and Shafer, "Game-theoretic
 * statistics and safe anytime-valid inference", Statistical Science 38, 2023). This is the one-sided test of Wald (1945).
 */

const confidence = 0.95;
/** The test of a share expects that the true share is smaller by this factor. */
const timesSmaller = 10;
const steps = 60;

/**
 * Returns the share of differences that the true share is below, with a confidence of 95 %, however often the caller
 * looks. It is the smallest share that the test of Wald refuses.
 */
export function upperBound(compared: number, differing: number): number {
  const needed = -Math.log(1 - confidence);
  let [low, high] = [0, 1];
  for (let step = 0; step < steps; step += 1) {
    const middle = (low + high) / 2;
    if (evidenceAgainst(middle, compared, differing) < needed) low = middle;
    else high = middle;
  }
  return high;
}

/** The logarithm of how much better a share that is `timesSmaller` explains the counts. It grows with the share. */
function evidenceAgainst(share: number, compared: number, differing: number): number {
  const same = compared - differing;
  const perSame = Math.log1p(-share / timesSmaller) - Math.log1p(-share);
  return same * perSame - differing * Math.log(timesSmaller);
}

/** The share of events that go against the batch, if a route differs in batches only. */
const expectedShare = 0.9;
const perAgainst = Math.log(2 * expectedShare);
const perFor = Math.log(2 * (1 - expectedShare));
/** On average, 100 events of a route that does not differ come before one false verdict, or more. */
const neededEvidence = Math.log(100);

/**
 * Tests whether a route differs in batches. An event is a comparison in which one of three answers differs from the two
 * others. If batches change nothing, the odd answer is the one from the batch in at most half of these events: a third
 * for random noise, and a half if the resource changed between two requests. The evidence never falls below 0, so that
 * an old time without differences does not hide a change of the pool. This is the CUSUM of Page (1954), and Lorden (1971)
 * gives the mean number of events before a false verdict.
 */
export class OddOneOut {
  #evidence = 0;

  /** @param batched whether the answer from the batch differs from the two others */
  add(batched: boolean): void {
    this.#evidence = Math.max(0, this.#evidence + (batched ? perAgainst : perFor));
  }

  get isProved(): boolean {
    return this.#evidence >= neededEvidence;
  }
}
