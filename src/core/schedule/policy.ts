/** The settings of the scheduler. */
export interface Policy {
  readonly mode: 'adaptive' | 'fixed' | 'off';
  readonly lingerMaxMs: number;
  /** Value of one saved request, in ms of waiting. */
  readonly exchangeRateMs: number;
  readonly maxParts: number;
  readonly maxBytes: number;
  /** Whether identical GETs that are held together share a part. */
  readonly collapse: boolean;
  /** Time from the arrival of a call to its deadline. */
  readonly timeoutMs: number;
  readonly maxQueuedCalls: number;
  readonly maxQueuedCallsPerUser: number;
  readonly maxQueuedBytes: number;
  readonly maxQueuedBytesPerUser: number;
  /** Idle users with learned state. */
  readonly maxUsers: number;
}
