/** Chooses a share of the applications by their hashes, and at least one application. */
export class Sample {
  /** Calls of the chosen applications. */
  calls = 0;
  readonly #below: number;
  readonly #chosen = new Set<string>();

  /**
   * @param share the share of applications to choose, 0 to 1
   * @param lowestHash the lowest hash of an application, which is always chosen
   */
  constructor(share: number, lowestHash: string) {
    this.#below = Math.max(share * 2 ** 32, numberOf(lowestHash) + 1);
  }

  /** The number of chosen applications. */
  get applications(): number {
    return this.#chosen.size;
  }

  /** Counts a call, and returns whether its application is chosen. @param hash hexadecimal digits */
  takes(hash: string): boolean {
    if (numberOf(hash) >= this.#below) return false;
    this.calls += 1;
    this.#chosen.add(hash);
    return true;
  }
}

function numberOf(hash: string): number {
  return parseInt(hash.slice(0, 8), 16);
}

/** Returns a source of numbers in [0, 1) that is the same each time, so that equal logs give equal results. */
export function seededRandom(): () => number {
  let state = 0x9e3779b9;
  return () => {
    // The generator "mulberry32".
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
