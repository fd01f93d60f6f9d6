/**
 * How often batches of a user turn out to be late, by slow calls that nothing predicted: the more
 * parts, the likelier. His batches are made so small that what has to be asked again stays within
 * what may be.
 */

/** Of the parts, that may be in late batches. */
const tolerated = 0.2;
/** Smaller ones would save nothing. */
const leastParts = 2;
/** What one batch weighs after the next. */
const decay = 0.98;
/** Parts that are supposed to have been in time before anything is known. */
const supposedParts = 40;

export class Lateness {
  #parts = supposedParts;
  #late = 0;

  /** A batch that could be late has left. */
  sent(parts: number): void {
    this.#parts = this.#parts * decay + parts;
    this.#late *= decay;
  }

  /** A batch was late, and what left later was not. */
  wasLate(): void {
    this.#late += 1;
  }

  get maxParts(): number {
    return Math.max(leastParts, Math.floor((tolerated * this.#parts) / this.#late));
  }
}
