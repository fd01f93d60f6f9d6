/**
 * The learned limit: the number of outstanding calls that the proxy expects the pool to allow one user. The
 * pool shows its limit only by refusing a whole request. Other devices of the user also use the limit, unseen
 * by the proxy. The proxy therefore learns from refusals and acceptances, never from time.
 *
 *     event                                   | effect
 *     ----------------------------------------|-----------------------------------------------------------
 *     accepted, no ceiling known              | slow start: the limit grows by the accepted parts
 *     accepted, below the ceiling             | the limit grows by one
 *     accepted, a probe                       | the ceiling is removed: slow start again
 *     refused                                 | ceiling and limit become the outstanding calls, less one
 *     refused, nothing accepted since the     | also, the limit is at most 0.7 of its value
 *       last decrease                         |
 *     refused, a probe                        | the limit falls one below the ceiling, and grows back
 *     refused, sent before the last decrease  | nothing: the same limit refused it
 *
 * The limit grows only with use: when at least half of it was outstanding.
 */

/** The facts about a request to the pool that the limit uses. */
export interface SentRequest {
  readonly parts: number;
  /** Outstanding calls of the user at its dispatch, including its own. */
  readonly outstanding: number;
  readonly sentAtMs: number;
  /** Whether it exceeds the limit by one, to test whether the pool still refuses there. */
  readonly probe: boolean;
}

const startsAt = 20;
const probeEveryMs = 3000;
const fallsTo = 0.7;
/** After the first refusal, a batch takes at most one third of the limit. */
const shareOfBatch = 3;
/**
 * A refusal comes sooner than an answer. A request is accepted if it is not refused within this number of
 * round trips.
 */
const trialRoundTrips = 2;
const leastTrialMs = 20;

export class LearnedLimit {
  #value = startsAt;
  #ceiling = Infinity;
  #isMet = false;
  #sizeCap = Infinity;
  #decreasedAtMs = -Infinity;
  /** Whether the last decrease is unproved: no request sent after it was accepted yet. */
  #inDoubt = false;
  #trialMs = leastTrialMs;
  #trialEndsAtMs = -Infinity;
  #nextProbeAtMs = Infinity;
  #probeIsOut = false;

  get value(): number {
    return this.#value;
  }

  /** Whether the pool has ever refused a request. */
  get isMet(): boolean {
    return this.#isMet;
  }

  /** Returns a copy for the next credential of the same person. */
  copy(): LearnedLimit {
    const other = new LearnedLimit();
    other.#value = this.#value;
    other.#ceiling = this.#ceiling;
    other.#isMet = this.#isMet;
    other.#sizeCap = this.#sizeCap;
    other.#nextProbeAtMs = this.#nextProbeAtMs;
    return other;
  }

  /** Returns the maximum number of parts of a batch. */
  maxParts(most: number): number {
    const share = this.#isMet ? Math.ceil(this.#value / shareOfBatch) : Infinity;
    return Math.min(most, share, this.#sizeCap);
  }

  /** Whether a probe may be sent, which exceeds the limit by one. */
  probes(nowMs: number): boolean {
    return this.nextProbeAtMs <= nowMs;
  }

  /** The time from which a probe is allowed, in ms; `Infinity` until another event allows one. */
  get nextProbeAtMs(): number {
    const atCeiling = this.#value >= this.#ceiling && !this.#inDoubt && !this.#probeIsOut;
    return atCeiling ? this.#nextProbeAtMs : Infinity;
  }

  /**
   * The end of the trial, in ms. After a refusal one request is sent, and the others wait for its result
   * until then.
   */
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

  accepted(request: SentRequest): void {
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

  /** Records that the request ended without showing whether it was accepted. */
  lost({ probe }: SentRequest): void {
    if (probe) this.#probeIsOut = false;
  }

  /**
   * Records a refusal. Returns whether it shows something new: the request was sent after the last decrease.
   */
  refused(request: SentRequest, nowMs: number): boolean {
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

  /**
   * Halves the size cap, because a batch with these parts alone was too large. The cap grows with batches
   * that reach it.
   */
  halveSize(parts: number): void {
    this.#sizeCap = Math.max(1, Math.min(this.#sizeCap, Math.ceil(parts / 2)));
  }
}
