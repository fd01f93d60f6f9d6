/** What the core does that nobody asked for: counted by who listens. */
export interface Notes {
  /** So many calls of a refused batch went back into the queue. */
  requeued(reason: RequeueReason, calls: number): void;
  /** What was refused has left again in requests of these sizes, at least two. */
  split(depth: number, sizes: readonly number[]): void;
  learnedLimit(limit: number): void;
  /** A call that was to be sent again, and what came of it. */
  repeated(reason: RepeatReason, outcome: RepeatOutcome): void;
  /** The GETs of a batch that takes too long are asked again beside it. */
  lateBatch(): void;
}

/** Label values, closed sets. */
export const requeueReasons = ['refused', 'too_large'] as const;
type RequeueReason = (typeof requeueReasons)[number];

/**
 * - `unsent`: nothing of it had left. `unknown`: nobody knew. `answer`: the pool's answer was of no
 *   use. `late`: its batch took too long.
 */
export const repeatReasons = ['unsent', 'unknown', 'answer', 'late'] as const;
export type RepeatReason = (typeof repeatReasons)[number];

/** `denied`: the budget was spent. `needless`: the first answer came after all, or the caller left. */
export const repeatOutcomes = ['answered', 'failed', 'denied', 'needless'] as const;
export type RepeatOutcome = (typeof repeatOutcomes)[number];
