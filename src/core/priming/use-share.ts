/** The share of events that a GET of the client followed. Older events weigh less. */

/** Both counts are halved when this number of events is reached. */
const halveAt = 256;
/** The true share is above the lower bound with a confidence of 95 %. */
const z = 1.645;

export class UseShare {
  #used = 0;
  #total = 0;

  add(isUsed: boolean): void {
    this.#total += 1;
    if (isUsed) this.#used += 1;
    if (this.#total < halveAt) return;
    this.#used /= 2;
    this.#total /= 2;
  }

  /** The lower bound of the share, from 0 to 1, as the score interval of Wilson (1927) gives it. */
  get lowerBound(): number {
    const n = this.#total;
    if (n === 0) return 0;
    const share = this.#used / n;
    const middle = share + z ** 2 / (2 * n);
    const spread = z * Math.sqrt((share * (1 - share)) / n + z ** 2 / (4 * n ** 2));
    return Math.max(0, (middle - spread) / (1 + z ** 2 / n));
  }
}
