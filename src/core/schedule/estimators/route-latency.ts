/** The last answers of one route: how long they took. */

const keptSamples = 20;
const enoughForMedian = 3;
/**
 * Of a batch only the whole time is known, which is that of its slowest part. A route that is quick
 * was in a quick batch now and then; one that is slow never was.
 */
const ownShare = 0.25;

export class RouteTime {
  /** Whether its calls travel by themselves, since others would have to wait for them. */
  isSlow = false;
  /** Of all answers, which was its last. */
  lastAnswer = 0;
  /** Template, and method of what is no GET. */
  readonly name: string;
  readonly #samplesMs: number[] = [];
  /** The same, the shortest first: asked for far more often than that one is added. */
  readonly #ascendingMs: number[] = [];
  #answers = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** So many were added. */
  get answers(): number {
    return this.#answers;
  }

  add(tookMs: number): void {
    const place = this.#answers % keptSamples;
    const ascending = this.#ascendingMs;
    const oldestMs = this.#samplesMs[place];
    this.#samplesMs[place] = tookMs;
    this.#answers += 1;
    let at = oldestMs === undefined ? ascending.push(tookMs) - 1 : ascending.indexOf(oldestMs);
    for (; at > 0 && (ascending[at - 1] as number) > tookMs; at -= 1) {
      ascending[at] = ascending[at - 1] as number;
    }
    for (; at + 1 < ascending.length && (ascending[at + 1] as number) < tookMs; at += 1) {
      ascending[at] = ascending[at + 1] as number;
    }
    ascending[at] = tookMs;
  }

  /** Whether as many answers are known as are kept. */
  get isKnown(): boolean {
    return this.#samplesMs.length === keptSamples;
  }

  /** What callers have had to wait; `undefined`: not known yet. */
  get medianMs(): number | undefined {
    return this.#samplesMs.length < enoughForMedian ? undefined : this.#quantileMs(0.5);
  }

  /** What the route itself takes, as far as that can be told. */
  get ownMs(): number {
    return this.#quantileMs(ownShare);
  }

  #quantileMs(share: number): number {
    return this.#ascendingMs[Math.floor(this.#ascendingMs.length * share)] ?? 0;
  }
}
