/** The settings that the scheduler obeys. */
export interface Policy {
  readonly mode: 'adaptive' | 'fixed' | 'off';
  readonly lingerMaxMs: number;
  /** What one saved request is worth, in milliseconds of waiting. */
  readonly exchangeRateMs: number;
  readonly maxParts: number;
  readonly maxBytes: number;
  /** Whether identical GETs that are held together share a part. */
  readonly collapse: boolean;
  /** From a call's arrival to its answer. */
  readonly timeoutMs: number;
  readonly maxQueuedCalls: number;
  readonly maxQueuedCallsPerUser: number;
  readonly maxQueuedBytes: number;
  readonly maxQueuedBytesPerUser: number;
  /** Idle users of whom something is remembered. */
  readonly maxUsers: number;
}
