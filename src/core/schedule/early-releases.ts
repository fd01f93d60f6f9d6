import type { Batch } from './call.ts';

interface EarlyPart<T> {
  readonly batch: Batch<T>;
  readonly index: number;
  readonly atMs: number;
}

/** A server that answers whole has sent the rest by then; one that streams has not. */
const graceMs = 5;
/** After a wrong count a pool's answers are believed only when they are whole. */
const distrustMs = 3_600_000;

/** What is through is let go in such portions. */
const forgottenAtOnce = 256;

/** Parts that came whole and are answered before the rest of their batch, if it takes its time. */
export class EarlyReleases<T> {
  readonly #parts: Array<EarlyPart<T>> = [];
  #next = 0;
  #distrustedUntilMs = -Infinity;

  get nextAtMs(): number | undefined {
    return this.#parts[this.#next]?.atMs;
  }

  /** When the part is due; `undefined`: not before the count. */
  add(batch: Batch<T>, index: number, nowMs: number): number | undefined {
    if (nowMs < this.#distrustedUntilMs) return undefined;
    const atMs = nowMs + graceMs;
    this.#parts.push({ batch, index, atMs });
    return atMs;
  }

  distrust(nowMs: number): void {
    this.#distrustedUntilMs = nowMs + distrustMs;
    this.#parts.length = 0;
    this.#next = 0;
  }

  takeDue(nowMs: number): EarlyPart<T> | undefined {
    const part = this.#parts[this.#next];
    if (part === undefined || part.atMs > nowMs) return undefined;
    this.#next += 1;
    if (this.#next >= forgottenAtOnce || this.#next === this.#parts.length) {
      this.#parts.splice(0, this.#next);
      this.#next = 0;
    }
    return part;
  }
}
