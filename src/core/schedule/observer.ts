/** Events of the scheduler that no caller asked for. Metrics count them. */
export interface SchedulerEvents {
  /** Calls of a refused batch went back into the queue. */
  requeued(reason: RequeueReason, calls: number): void;
  /** A refused batch was sent again in two or more requests of these sizes. */
  split(depth: number, sizes: readonly number[]): void;
  learnedLimit(limit: number): void;
  /** A retry of a call and its outcome. */
  retried(reason: RetryReason, outcome: RetryOutcome): void;
  /** The scheduler sends the GETs of a late batch again beside it. */
  lateBatch(): void;
}

/** Label values, closed sets. */
export const requeueReasons = ['refused', 'too_large'] as const;
type RequeueReason = (typeof requeueReasons)[number];

/**
 * - `unsent`: nothing of the request was sent.
 * - `unknown`: it is not known whether the call ran.
 * - `answer`: the answer of the pool was unusable.
 * - `late`: the batch took too long.
 */
export const retryReasons = ['unsent', 'unknown', 'answer', 'late'] as const;
export type RetryReason = (typeof retryReasons)[number];

/**
 * - `denied`: a retry budget was spent.
 * - `needless`: the first answer came after all, or the caller left.
 */
export const retryOutcomes = ['answered', 'failed', 'denied', 'needless'] as const;
export type RetryOutcome = (typeof retryOutcomes)[number];
