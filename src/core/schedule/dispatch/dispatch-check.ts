/**
 * Whether calls of a user may leave now: not in a pause, not beyond what the pool is believed to
 * allow, and rather in one piece a little later than in crumbs at once.
 */
import type { Block } from '../estimators/blocked-time.ts';
import { hasOperation } from '../queue/stream.ts';
import type { User } from '../state.ts';

export type Leave =
  | { readonly kind: 'go'; readonly parts: number; readonly probe: boolean }
  /** `untilMs`: ask again then, or when something has ended. */
  | { readonly kind: 'blocked'; readonly reason: Block; readonly untilMs: number };

/** So long a piece waits for room for all of it. */
const patienceMs = 50;
/** For a user who passed something through so recently, room is left for more of it. */
const reservedForMs = 60_000;
const reservedShare = 0.1;

/** `wanted`: parts that would leave together. `solo`: a request of one, not bounded by slots. */
export function mayLeave<T>(user: User<T>, wanted: number, solo: boolean, nowMs: number): Leave {
  const { limit, pause } = user.learnt;
  if (pause.untilMs > nowMs) {
    return { kind: 'blocked', reason: 'pause', untilMs: pause.untilMs };
  }
  const reserved = solo ? 0 : reservedFor(user, nowMs);
  const room = limit.value - reserved - user.outstanding;
  // Somebody may always go: what is outstanding elsewhere is nothing that we could wait for.
  if (user.outstanding === user.polls) {
    return { kind: 'go', parts: Math.min(wanted, Math.max(1, room)), probe: false };
  }
  if (limit.trialEndsAtMs > nowMs) return blocked(limit.trialEndsAtMs);
  if (room >= wanted) return { kind: 'go', parts: wanted, probe: false };
  // A probe is formed on purpose: small batches alone would never go beyond the limit.
  const beyond = limit.value - user.outstanding + 1;
  const canProbe = beyond >= 1 && beyond <= wanted;
  if (canProbe && limit.probes(nowMs)) return { kind: 'go', parts: beyond, probe: true };
  const probeAtMs = canProbe ? limit.nextProbeAtMs : Infinity;
  if (room <= 0) return blocked(probeAtMs);
  const patientUntilMs = user.blocked.limitedSinceMs(nowMs) + patienceMs;
  return patientUntilMs <= nowMs
    ? { kind: 'go', parts: room, probe: false }
    : blocked(Math.min(probeAtMs, patientUntilMs));
}

function blocked(untilMs: number): Leave {
  return { kind: 'blocked', reason: 'limit', untilMs };
}

/** Room that batches leave: for an operation that is ready, and for what may pass by. */
function reservedFor<T>(user: User<T>, nowMs: number): number {
  // An operation has a stream of its own, beside the stream that is about to be sent.
  const first = user.streams.length > 1 && hasOperation(user) ? 1 : 0;
  if (nowMs - user.passedThroughAtMs > reservedForMs) return first;
  return first + Math.max(1, Math.floor(user.learnt.limit.value * reservedShare));
}
