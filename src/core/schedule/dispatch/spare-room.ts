import type { User } from '../state.ts';

const spareShare = 0.5;

/**
 * Returns how many more calls leave half of the learned limit free. There is no room for an unknown user, after a
 * refusal, or without a batch resource.
 */
export function spareRoomOf<T>(user: User<T> | undefined, nowMs: number): number {
  if (user === undefined || user.unbatchedUntilMs > nowMs) return 0;
  const { limit, backoff } = user.learned;
  if (backoff.isRaised || backoff.untilMs > nowMs || limit.trialEndsAtMs > nowMs) return 0;
  // Calls that are accepted may not be sent yet, and calls without a caller may be sent still.
  const busy = Math.max(user.outstanding, user.calls + user.polls);
  return Math.max(0, Math.floor(limit.value * spareShare) - busy);
}
