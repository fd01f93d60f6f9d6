/**
 * The order in which calls of a user are sent when they wait: by urgency, then by arrival. A level of urgency counts as
 * much as a certain time of waiting. So a call is overtaken only by calls that arrive within a bounded time after it.
 *
 * The order of writes goes first. A write that a more urgent call must wait for gets the urgency of that call.
 */
import { usualUrgency } from '../../messages/urgency.ts';
import type { Call, Stream } from '../state.ts';
import type { Policy } from '../policy.ts';

/** A level of urgency is worth this time of waiting, in ms, and at most this share of the timeout. */
const mostLevelMs = 500;
const levelShare = 1 / 60;

/**
 * Ranks a new call by its urgency. Returns the held writes that must be sent before it and were less urgent. The
 * caller of this function flushes them.
 *
 * @param call of a user that has used `Priority`
 */
export function rank<T>(
  call: Call<T>,
  { timeoutMs }: Pick<Policy, 'timeoutMs'>,
): ReadonlyArray<Call<T>> {
  const { user } = call.stream;
  user.hasUrgencies = true;
  const levelMs = Math.min(mostLevelMs, timeoutMs * levelShare);
  call.rankMs += (call.urgency - usualUrgency) * levelMs;
  const raised: Array<Call<T>> = [];
  for (const write of user.order.writesTo(call.resource)) {
    if (write.urgency <= call.urgency) continue;
    write.urgency = call.urgency;
    write.rankMs = Math.min(write.rankMs, call.rankMs);
    if (write.stage === 'held') raised.push(write);
  }
  return raised;
}

/** Returns the calls of a queue in the order in which they are sent. */
export function byRank<T>(queue: ReadonlyArray<Call<T>>): ReadonlyArray<Call<T>> {
  return [...queue].sort((a, b) => a.rankMs - b.rankMs || a.sequence - b.sequence);
}

/** Whether the stream has a call of at most this urgency that the order of writes allows. */
export function hasUrgent<T>({ user, queue }: Stream<T>, atMost: number): boolean {
  return queue.some((call) => call.urgency <= atMost && user.order.allows(call));
}

/**
 * Returns the place of a ready stream among others: since when its first call could be sent, earlier or later by the
 * urgency of the call. In ms; `Infinity` if the order of writes allows no call.
 */
export function placeOf<T>({ user, queue, hold }: Stream<T>): number {
  if (hold.kind !== 'ready') return Infinity;
  let lowestMs = Infinity;
  for (const call of queue) {
    const byUrgencyMs = call.rankMs - call.arrivedAtMs;
    const placeMs = Math.max(hold.sinceMs, call.arrivedAtMs) + byUrgencyMs;
    if (placeMs < lowestMs && user.order.allows(call)) lowestMs = placeMs;
  }
  return lowestMs;
}
