/**
 * Checks whether calls of a user may be sent now: no backoff runs, and the learned limit has room. If there
 * is room for only some of the calls, the check prefers to wait a little and to send them in one batch.
 */
import type { Block } from '../estimators/blocked-time.ts';
import { hasOperation } from '../queue/stream.ts';
import type { User } from '../state.ts';

export type Capacity =
  | { readonly kind: 'go'; readonly parts: number; readonly probe: boolean }
  /** `untilMs`: check again at this time, or when a request has ended. */
  | { readonly kind: 'blocked'; readonly reason: Block; readonly untilMs: number };

/** The longest wait for room for a whole batch, in ms. */
const patienceMs = 50;
/** Room is reserved for pass-through calls of a user for this time after the last one, in ms. */
const reservedForMs = 60_000;
const reservedShare = 0.1;

/**
 * Checks the capacity of a user.
 *
 * @param wanted number of parts to send together
 * @param unbatched whether this is a request for one unbatched call, which needs no slot for batches
 * @param isUrgent whether a call is too urgent to wait for room for all of them
 */
export function checkCapacity<T>(
  user: User<T>,
  wanted: number,
  unbatched: boolean,
  nowMs: number,
  isUrgent = false,
): Capacity {
  const { limit, backoff } = user.learned;
  if (backoff.untilMs > nowMs) {
    return { kind: 'blocked', reason: 'backoff', untilMs: backoff.untilMs };
  }
  const reserved = unbatched ? 0 : reservedFor(user, nowMs);
  const room = limit.value - reserved - user.outstanding;
  // One request may always be sent. Calls that other devices have outstanding are unknown here, and never
  // end.
  if (user.outstanding === user.polls) {
    return { kind: 'go', parts: Math.min(wanted, Math.max(1, room)), probe: false };
  }
  if (limit.trialEndsAtMs > nowMs) return blocked(limit.trialEndsAtMs);
  if (room >= wanted) return { kind: 'go', parts: wanted, probe: false };
  // A probe is one part larger than the limit allows. Small batches alone would never exceed the limit.
  const beyond = limit.value - user.outstanding + 1;
  const canProbe = beyond >= 1 && beyond <= wanted;
  if (canProbe && limit.probes(nowMs)) return { kind: 'go', parts: beyond, probe: true };
  const probeAtMs = canProbe ? limit.nextProbeAtMs : Infinity;
  if (room <= 0) return blocked(probeAtMs);
  const patientUntilMs = user.blocked.limitedSinceMs(nowMs) + patienceMs;
  return isUrgent || patientUntilMs <= nowMs
    ? { kind: 'go', parts: room, probe: false }
    : blocked(Math.min(probeAtMs, patientUntilMs));
}

function blocked(untilMs: number): Capacity {
  return { kind: 'blocked', reason: 'limit', untilMs };
}

/** Returns the room that batches must leave free: for a ready operation, and for pass-through calls. */
function reservedFor<T>(user: User<T>, nowMs: number): number {
  // An operation has a stream of its own, beside the stream that is about to be sent.
  const first = user.streams.length > 1 && hasOperation(user) ? 1 : 0;
  if (nowMs - user.passedThroughAtMs > reservedForMs) return first;
  return first + Math.max(1, Math.floor(user.learned.limit.value * reservedShare));
}
