/**
 * The learned limit: how many outstanding calls the pool is believed to allow one user. The pool
 * tells only by refusing a request whole, and other devices of the user take their share unseen, so
 * this is learnt from refusals and acceptances, never from time.
 *
 *   event                        | what follows
 *   -----------------------------|-------------------------------------------------------------------
 *   accepted, no ceiling known   | slow start: the limit grows by what was accepted
 *   accepted, below the ceiling  | the limit grows by one
 *   accepted, a probe            | the ceiling is forgotten: slow start again
 *   refused                      | ceiling and limit: what was outstanding then, less one
 *   refused again, nothing that left since was accepted | besides, at most 0.7 of the limit
 *   refused, a probe             | the limit falls one step below the ceiling, and grows back
 *   refused, left before the last decrease              | nothing: it tells of the same limit
 *
 * The limit grows only with use: when at least half of it was outstanding.
 */

/** What is known of a request to the pool. */
export interface Travelled {
  readonly parts: number;
  /** Of the user when it left, itself included. */
  readonly outstanding: number;
  readonly sentAtMs: number;
  /** Sent to find out whether the ceiling still stands. */
  readonly probe: boolean;
}

const startsAt = 20;
const probeEveryMs = 3000;
const fallsTo = 0.7;
/** Batches take no more of a limit that was met than one in so many. */
const shareOfBatch = 3;
/** A refusal comes sooner than an answer: who is not refused in so many of its round trips, is not. */
const trialRoundTrips = 2;
const leastTrialMs = 20;

export class LearnedLimit {
  #value = startsAt;
  #ceiling = Infinity;
  #isMet = false;
  #sizeCap = Infinity;
  #decreasedAtMs = -Infinity;
  /** Nothing that left since the last decrease was accepted. */
  #inDoubt = false;
  #trialMs = leastTrialMs;
  #trialEndsAtMs = -Infinity;
  #nextProbeAtMs = Infinity;
  #probeIsOut = false;

  get value(): number {
    return this.#value;
  }

  /** Whether the pool ever refused. */
  get isMet(): boolean {
    return this.#isMet;
  }

  /** A limit like this one, for the same person's next credential. */
  copy(): LearnedLimit {
    const other = new LearnedLimit();
    other.#value = this.#value;
    other.#ceiling = this.#ceiling;
    other.#isMet = this.#isMet;
    other.#sizeCap = this.#sizeCap;
    other.#nextProbeAtMs = this.#nextProbeAtMs;
    return other;
  }

  /** Parts of a batch, at most. */
  maxParts(most: number): number {
    const share = this.#isMet ? Math.ceil(this.#value / shareOfBatch) : Infinity;
    return Math.min(most, share, this.#sizeCap);
  }

  /** Whether one more than the limit may be outstanding, to see whether the ceiling still stands. */
  probes(nowMs: number): boolean {
    return this.nextProbeAtMs <= nowMs;
  }

  /** `Infinity`: not now, and not by waiting. */
  get nextProbeAtMs(): number {
    const atCeiling = this.#value >= this.#ceiling && !this.#inDoubt && !this.#probeIsOut;
    return atCeiling ? this.#nextProbeAtMs : Infinity;
  }

  /** After a refusal one request goes first; until then the others wait for what becomes of it. */
  get trialEndsAtMs(): number {
    return this.#inDoubt ? this.#trialEndsAtMs : -Infinity;
  }

  sent(probe: boolean, nowMs: number): void {
    if (probe) {
      this.#probeIsOut = true;
      this.#nextProbeAtMs = nowMs + probeEveryMs;
    }
    if (this.#inDoubt && this.#trialEndsAtMs === -Infinity)
      this.#trialEndsAtMs = nowMs + this.#trialMs;
  }

  accepted(request: Travelled): void {
    const { parts, outstanding, probe } = request;
    if (probe) this.#probeIsOut = false;
    if (request.sentAtMs < this.#decreasedAtMs) return;
    this.#inDoubt = false;
    if (parts >= this.#sizeCap) this.#sizeCap += 1;
    if (probe) this.#ceiling = Infinity;
    if (outstanding * 2 < this.#value) return;
    if (this.#ceiling === Infinity) {
      this.#value = Math.max(this.#value + parts, outstanding);
    } else if (this.#value < this.#ceiling) {
      this.#value += 1;
    }
  }

  /** It ended without telling. */
  lost({ probe }: Travelled): void {
    if (probe) this.#probeIsOut = false;
  }

  /** Whether this is news, and not one more request that left under the same belief. */
  refused(request: Travelled, nowMs: number): boolean {
    const { parts, outstanding, probe, sentAtMs } = request;
    if (probe) this.#probeIsOut = false;
    if (outstanding <= parts) this.halveSize(parts);
    if (sentAtMs < this.#decreasedAtMs) return false;
    const believed = Math.min(this.#value, outstanding);
    this.#ceiling = Math.max(1, outstanding - 1);
    this.#value = Math.max(1, believed - 1);
    if (this.#inDoubt) {
      this.#value = Math.max(1, Math.min(this.#value, Math.floor(believed * fallsTo)));
    }
    this.#isMet = true;
    this.#inDoubt = true;
    this.#trialMs = Math.max(leastTrialMs, (nowMs - sentAtMs) * trialRoundTrips);
    this.#trialEndsAtMs = -Infinity;
    this.#decreasedAtMs = nowMs;
    this.#nextProbeAtMs = nowMs + probeEveryMs;
    return true;
  }

  /** A batch of that many was too large by itself; the cap grows back with batches that fill it. */
  halveSize(parts: number): void {
    this.#sizeCap = Math.max(1, Math.min(this.#sizeCap, Math.ceil(parts / 2)));
  }
}
