/**
 * Counts over the schedulers of all pools. Each pool has a scheduler of its own, but the process has one memory.
 * Limits of the process therefore apply to these counts.
 */
export interface ProcessTotals {
  /** Calls that were accepted and are not answered yet. */
  calls: number;
  /** The bytes of these calls. */
  bytes: number;
  /** Idle users that are kept whole. */
  idleUsers: number;
  /** Bytes of answers to batches in memory. */
  responseBytes: number;
}

export function newTotals(): ProcessTotals {
  return { calls: 0, bytes: 0, idleUsers: 0, responseBytes: 0 };
}
