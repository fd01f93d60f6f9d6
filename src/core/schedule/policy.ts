/** The settings that the scheduler obeys. */
export interface Policy {
  readonly mode: 'fixed' | 'off';
  readonly lingerMaxMs: number;
  readonly maxParts: number;
  readonly maxBytes: number;
  /** From a call's arrival to its answer. */
  readonly timeoutMs: number;
  readonly maxQueuedCalls: number;
  readonly maxQueuedCallsPerUser: number;
  readonly maxQueuedBytes: number;
  readonly maxQueuedBytesPerUser: number;
}
