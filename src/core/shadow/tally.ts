/** The totals of a shadow, in constant memory, for the log of shadow mode and for the command `tune`. */
import type { ShadowReport } from './state.ts';

/** Each bucket of the histogram of added latency ends at 1.02 times the end of the previous one. */
const growth = 1.02;
/** The end of the first bucket, in ms. */
const firstMs = 0.05;
const buckets = 700;

/** Sums up the results of a shadow. */
export class ShadowTally implements ShadowReport {
  /** Calls that the shadow sent. */
  calls = 0;
  /** Requests that the shadow would have sent to the pool, single ones and batches. */
  requests = 0;
  /** Requests with at least two parts. */
  batches = 0;
  /** The parts of all batches. */
  parts = 0;
  /** Calls that were answered. */
  answers = 0;
  /** Calls that a limit (for example `limits.maxQueuedCalls`) refused in the shadow. */
  refusals = 0;
  /** Calls that failed in the shadow, although the pool answered the real calls. */
  failures = 0;
  #addedMs = 0;
  readonly #counts = new Uint32Array(buckets);

  requestSent(newCalls: number, parts: number): void {
    this.calls += newCalls;
    this.requests += 1;
    if (parts === 1) return;
    this.batches += 1;
    this.parts += parts;
  }

  answered(addedMs: number): void {
    this.answers += 1;
    this.#addedMs += addedMs;
    const bucket = Math.ceil(Math.log(Math.max(1, addedMs / firstMs)) / Math.log(growth));
    (this.#counts[Math.min(bucket, buckets - 1)] as number) += 1;
  }

  refused(): void {
    this.refusals += 1;
  }

  failed(): void {
    this.failures += 1;
  }

  /** The share of requests that batching saves, 0 to 1; negative if batching needs more requests. */
  get savedShare(): number {
    return this.calls === 0 ? 0 : 1 - this.requests / this.calls;
  }

  /** The mean added latency of answered calls, in ms. */
  get meanAddedMs(): number {
    return this.answers === 0 ? 0 : this.#addedMs / this.answers;
  }

  /** The mean number of parts in a batch. */
  get meanParts(): number {
    return this.batches === 0 ? 0 : this.parts / this.batches;
  }

  /**
   * Returns a quantile of the added latency, in ms, with an error of at most 1 %.
   *
   * @param share the share of calls with at most this added latency, 0 to 1
   */
  addedMs(share: number): number {
    let left = Math.ceil(this.answers * share);
    for (let bucket = 0; bucket < buckets; bucket += 1) {
      left -= this.#counts[bucket] as number;
      if (left <= 0) return bucket === 0 ? 0 : firstMs * growth ** (bucket - 0.5);
    }
    return Infinity;
  }

  /** The totals as a sentence, for the log. */
  get summary(): string {
    const { calls, requests } = this;
    if (calls === 0) return 'no call came that could have been batched';
    const percent = (this.savedShare * 100).toFixed(1);
    const ms = (share: number): string => this.addedMs(share).toFixed(1);
    return (
      `would have saved ${percent} % of requests (${requests} in the place of ${calls}); ` +
      `callers would have waited ${ms(0.5)} ms more at the median, ${ms(0.95)} ms at the ` +
      `95th percentile, ${this.meanAddedMs.toFixed(1)} ms on average`
    );
  }
}

/** Returns a report that forwards each result to both reports. */
export function reportToBoth(one: ShadowReport, other: ShadowReport): ShadowReport {
  return {
    requestSent(newCalls, parts) {
      one.requestSent(newCalls, parts);
      other.requestSent(newCalls, parts);
    },
    answered(addedMs) {
      one.answered(addedMs);
      other.answered(addedMs);
    },
    refused() {
      one.refused();
      other.refused();
    },
    failed() {
      one.failed();
      other.failed();
    },
  };
}
