/** The sum of what would have been, in constant space. */
import type { ShadowReport } from './state.ts';

/** Edges of the buckets of added times grow so, from the first one on: so exact are quantiles. */
const growth = 1.02;
const firstMs = 0.05;
const buckets = 700;

export class ShadowTally implements ShadowReport {
  /** Calls that would have left, and the requests that they would have left in. */
  calls = 0;
  requests = 0;
  batches = 0;
  /** Parts of these. */
  parts = 0;
  answers = 0;
  refusals = 0;
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

  /** Of the requests that would leave without batching, 0 to 1; below 0 if there would be more. */
  get savedShare(): number {
    return this.calls === 0 ? 0 : 1 - this.requests / this.calls;
  }

  get meanAddedMs(): number {
    return this.answers === 0 ? 0 : this.#addedMs / this.answers;
  }

  get meanParts(): number {
    return this.batches === 0 ? 0 : this.parts / this.batches;
  }

  /** So much later at most that share of the callers, 0 to 1, would have been answered; 1 % exact. */
  addedMs(share: number): number {
    let left = Math.ceil(this.answers * share);
    for (let bucket = 0; bucket < buckets; bucket += 1) {
      left -= this.#counts[bucket] as number;
      if (left <= 0) return bucket === 0 ? 0 : firstMs * growth ** (bucket - 0.5);
    }
    return Infinity;
  }

  /** In words. */
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

/** The same to two who listen. */
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
