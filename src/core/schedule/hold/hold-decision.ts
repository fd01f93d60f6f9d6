/**
 * The hold: how long a stream waits for companions.
 *
 * `adaptive` waits while a companion is likely enough to be worth it, and for a user whose last
 * holds brought nobody not at all, until a companion comes by itself; so a client that waits for
 * each answer pays nothing. `fixed` is a plain window from the first arrival. `off` never waits.
 */
import type { Call, FlushReason, Hold, Stream, User } from '../state.ts';
import type { Gaps } from '../estimators/gap-histogram.ts';
import type { Policy } from '../policy.ts';

const fruitlessHoldsAtMost = 2;
/** A shorter wait brings nobody, and could be too short to move the clock. */
const leastWaitMs = 0.1;

/** Why a stream must not hold, whatever may come. */
export function reasonToLeave<T>(
  stream: Stream<T>,
  policy: Policy,
  draining: boolean,
): FlushReason | undefined {
  if (draining) return 'drain';
  if (policy.mode === 'off' || stream.solo) return 'idle';
  if (stream.queue.length >= policy.maxParts) return 'parts';
  if (stream.queuedBytes >= policy.maxBytes) return 'bytes';
  return undefined;
}

/** Whether a stream that somebody waits in goes on holding, at the end of a turn or of a hold. */
export function judge<T>(stream: Stream<T>, policy: Policy, gaps: Gaps, nowMs: number): Hold {
  // Not always that of the first: a caller who left may be followed by a younger twin.
  let oldestMs = nowMs;
  for (const { arrivedAtMs } of stream.queue) oldestMs = Math.min(oldestMs, arrivedAtMs);
  const endMs = oldestMs + policy.lingerMaxMs;
  const held = stream.hold.kind === 'holding';
  if (nowMs >= endMs) return { kind: 'ready', reason: 'linger', sinceMs: nowMs, held };
  if (policy.mode === 'fixed') return { kind: 'holding', untilMs: endMs };
  const waitMs = worthWaitingMs(stream, policy, gaps, endMs - nowMs, nowMs);
  return waitMs >= leastWaitMs
    ? { kind: 'holding', untilMs: nowMs + waitMs }
    : { kind: 'ready', reason: 'idle', sinceMs: nowMs, held };
}

function worthWaitingMs<T>(
  stream: Stream<T>,
  policy: Policy,
  gaps: Gaps,
  mostMs: number,
  nowMs: number,
): number {
  const { learnt } = stream.user;
  if (!gaps.isKnown || learnt.fruitlessHolds >= fruitlessHoldsAtMost) return 0;
  let callers = 0;
  for (const call of stream.queue) callers += 1 + (call.followers?.length ?? 0);
  const lastMs = learnt.lastArrivalMs[stream.callClass === 'safe' ? 'safe' : 'unsafe'];
  return gaps.worthWaitingMs(callers, nowMs - (lastMs ?? nowMs), mostMs, policy.exchangeRateMs);
}

/** Takes out the calls that leave now, in order, at most so many; at least one that may. */
export function leavingCalls<T>(
  stream: Stream<T>,
  maxParts: number,
  maxBytes: number,
): Array<Call<T>> {
  const { order } = stream.user;
  const leaving: Array<Call<T>> = [];
  const staying: Array<Call<T>> = [];
  let bytes = 0;
  for (const call of stream.queue) {
    const fits =
      leaving.length < maxParts && (leaving.length === 0 || bytes + call.sizeBytes <= maxBytes);
    if (!fits || !order.lets(call)) {
      staying.push(call);
      continue;
    }
    bytes += call.sizeBytes;
    leaving.push(call);
  }
  stream.queuedBytes -= bytes;
  stream.queue.splice(0, stream.queue.length, ...staying);
  return leaving;
}

/** How many would leave, at most so many. */
export function countLeaving<T>(stream: Stream<T>, maxParts: number, maxBytes: number): number {
  let count = 0;
  let bytes = 0;
  for (const call of stream.queue) {
    if (count >= maxParts) break;
    if (!stream.user.order.lets(call)) continue;
    if (count > 0 && bytes + call.sizeBytes > maxBytes) continue;
    bytes += call.sizeBytes;
    count += 1;
  }
  return count;
}

/** A hold that brought nobody is remembered, so that its user is not held in vain again. */
export function noteHold<T>(
  user: User<T>,
  hold: Hold & { readonly kind: 'ready' },
  calls: ReadonlyArray<Call<T>>,
): void {
  if (!hold.held || (hold.reason !== 'idle' && hold.reason !== 'linger')) return;
  const companions = calls.length > 1 || calls[0]?.followers !== undefined;
  user.learnt.fruitlessHolds = companions ? 0 : user.learnt.fruitlessHolds + 1;
}
