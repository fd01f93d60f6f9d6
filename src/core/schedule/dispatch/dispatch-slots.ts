/** How many requests may be out at a time: what the engine's departures and the shadow's both keep. */
import type { Policy } from '../policy.ts';

/** Of all connections, what goes solo of one user takes so many at most; of batches there are few. */
const soloShare = 0.25;
/** Where nothing goes in batches. */
const onlySoloShare = 0.5;

export interface DepartureLimits {
  /** Batches of one user. */
  readonly perUser: number;
  /** Solo requests of one user. */
  readonly soloPerUser: number;
  /** All requests. */
  readonly process: number;
}

interface Bounds {
  readonly policy: Pick<Policy, 'mode'>;
  readonly maxInFlightPerUser: number;
  readonly maxConnections: number;
}

export function departureLimits(bounds: Bounds): DepartureLimits {
  const { policy, maxInFlightPerUser, maxConnections } = bounds;
  const share = policy.mode === 'off' ? onlySoloShare : soloShare;
  // One that hangs must not keep all the others of its user.
  const soloPerUser = Math.max(maxInFlightPerUser, Math.floor(maxConnections * share));
  return { perUser: maxInFlightPerUser, soloPerUser, process: maxConnections };
}

/** Whether there is as much for all others as for a user of whom so many are out, should he fill his departures again. */
export function leavesRoom({ perUser, process }: DepartureLimits, out: number): boolean {
  return (out + perUser) * 2 <= process;
}
