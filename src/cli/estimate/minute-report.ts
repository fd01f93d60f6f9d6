import type { ShadowReport } from '../../core/shadow/state.ts';

/** The calls and the requests of one minute. */
export interface MinuteCounts {
  calls: number;
  requests: number;
}

/** Counts what batching does in each minute. */
export class MinuteReport implements ShadowReport {
  /** The time of the current arrival, in ms since 1970. Its owner sets it. */
  nowMs = 0;
  /** By minutes since 1970. */
  readonly minutes = new Map<number, MinuteCounts>();

  requestSent(newCalls: number): void {
    const minute = Math.floor(this.nowMs / 60_000);
    const counts = this.minutes.get(minute) ?? { calls: 0, requests: 0 };
    this.minutes.set(minute, counts);
    counts.calls += newCalls;
    counts.requests += 1;
  }

  answered(): void {
    // Only the requests count.
  }

  refused(): void {
    // Only the requests count.
  }

  failed(): void {
    // Only the requests count.
  }
}
