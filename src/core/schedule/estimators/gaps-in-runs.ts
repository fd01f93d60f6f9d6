/**
 * Gaps by how many calls had come in a run before them. A run is what could have shared a batch:
 * calls of one user, each so soon behind the one before it. Applications start with much the same
 * calls each time; so what comes after the eighth is another question than what comes after the first.
 */
import { Gaps } from './gap-histogram.ts';

/** Longer ones are like this one. */
export const longestRun = 16;

export class GapsInRuns {
  readonly #all = new Gaps();
  /** The first: after one call. */
  readonly #after = Array.from({ length: longestRun }, () => new Gaps());

  /** `runLength`: calls before the gap, 1 to `longestRun`. `Infinity`: nobody came. */
  add(gapMs: number, runLength: number): void {
    this.#all.add(gapMs);
    this.#after[runLength - 1]?.add(gapMs);
  }

  /** The gaps after so many calls; all gaps, where too few of those are known. */
  after(runLength: number): Gaps {
    const gaps = this.#after[runLength - 1];
    return gaps?.isKnown === true ? gaps : this.#all;
  }
}
