/**
 * The largest batch of a user, derived from its late batches. Slow calls that nothing predicted make batches
 * late. The more parts a batch has, the likelier it is late. The cap keeps the parts of late batches, which
 * are sent again, within a bound.
 */

/** The share of parts that may be in late batches. */
const tolerated = 0.2;
/** Batches with fewer parts would save nothing. */
const leastParts = 2;
/** The weight that a batch keeps after each later batch. */
const decay = 0.98;
/** Parts that are assumed to have been in time before the first batch. */
const supposedParts = 40;

export class BatchSizeCap {
  #parts = supposedParts;
  #late = 0;

  /** Records a batch that could become late. */
  sent(parts: number): void {
    this.#parts = this.#parts * decay + parts;
    this.#late *= decay;
  }

  /** Records a batch that was late while the pool answered later requests. */
  wasLate(): void {
    this.#late += 1;
  }

  get maxParts(): number {
    return Math.max(leastParts, Math.floor((tolerated * this.#parts) / this.#late));
  }
}
