import type { BatchKey } from '../ucwa/protocol.ts';

/** The settings of the scheduler. */
export interface Policy {
  readonly mode: 'adaptive' | 'fixed' | 'off';
  /** The share of users with batches, from 0 to 1; 1 if it is not given. */
  readonly share?: number;
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
  /** The GETs that events announce; `undefined` if calls are never held for them. */
  readonly expectedGets?: ExpectedGets | undefined;
  /** Routes that are sent unbatched for some time; `undefined` if nothing finds such routes. */
  readonly unbatchedRoutes?: UnbatchedRoutes | undefined;
}

/** Knows the routes that are worse off in batches. */
export interface UnbatchedRoutes {
  /** @param route see `RouteLatency.name` */
  isUnbatched(route: string, nowMs: number): boolean;
}

/** Knows the GETs that clients are about to send after an event. */
export interface ExpectedGets {
  /** Whether the calls that are submitted now do not come from clients, so that nothing is learned from their gaps. */
  readonly isGathering: boolean;
  /**
   * Called with each safe call that joins a stream.
   *
   * @param openCalls calls of the user that are not answered
   * @returns the end of the hold, in ms; `nowMs` if no further call is expected; `undefined` if no event says
   *   anything about the call
   */
  holdUntilMs(key: BatchKey, openCalls: number, nowMs: number): number | undefined;
}
