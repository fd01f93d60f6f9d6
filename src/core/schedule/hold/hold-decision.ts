/**
 * Decides how long a stream holds its calls for companions, and which of its calls are then sent.
 *
 * - `adaptive`: the stream holds while a companion is likely enough to be worth the wait. After two holds
 *   without a companion, the calls of the user are not held until a companion arrives without a hold. A
 *   client that waits for each answer before its next call then pays nothing.
 * - `fixed`: the stream holds for a fixed time from the first arrival.
 * - `off`: the stream never holds.
 *
 * An urgent call ends the hold of its stream. Calls that are not urgent do not count as waiting: they wait until
 * another call of the stream is sent, for the longest hold.
 */
import type { Call, FlushReason, Hold, Stream, User } from '../state.ts';
import { neverHeldUpTo, waitsFrom } from '../../messages/urgency.ts';
import { byRank } from '../order/urgency.ts';
import type { GapHistogram } from '../estimators/gap-histogram.ts';
import type { Policy } from '../policy.ts';

const fruitlessHoldsAtMost = 2;
/** A shorter hold brings no companion, and could be too short to advance the clock. */
const leastWaitMs = 0.1;

/** Returns why the stream must be sent without a hold; `undefined` if it may hold. */
export function immediateFlushReason<T>(
  stream: Stream<T>,
  policy: Policy,
  draining: boolean,
): FlushReason | undefined {
  if (draining) return 'drain';
  if (policy.mode === 'off' || stream.unbatched) return 'idle';
  if (stream.queue.length >= policy.maxParts) return 'parts';
  if (stream.queuedBytes >= policy.maxBytes) return 'bytes';
  return undefined;
}

/**
 * Decides whether a stream with calls goes on holding, or is ready. Called at the end of an event-loop turn and
 * of a hold.
 */
export function decideHold<T>(
  stream: Stream<T>,
  policy: Policy,
  gaps: GapHistogram,
  nowMs: number,
): Hold {
  const endMs = lingerEndMs(stream, policy, nowMs);
  let mostUrgent = Infinity;
  for (const { urgency } of stream.queue) mostUrgent = Math.min(mostUrgent, urgency);
  const held = stream.hold.kind === 'holding';
  if (nowMs >= endMs) return { kind: 'ready', reason: 'linger', sinceMs: nowMs, held };
  if (mostUrgent <= neverHeldUpTo) return { kind: 'ready', reason: 'idle', sinceMs: nowMs, held };
  if (policy.mode === 'fixed' || mostUrgent >= waitsFrom)
    return { kind: 'holding', untilMs: endMs };
  const waitMs = worthWaitingMs(stream, policy, gaps, endMs - nowMs, nowMs);
  return waitMs >= leastWaitMs
    ? { kind: 'holding', untilMs: nowMs + waitMs }
    : { kind: 'ready', reason: 'idle', sinceMs: nowMs, held };
}

/** Returns the latest end of a hold of the stream, in ms. */
export function lingerEndMs<T>(stream: Stream<T>, policy: Policy, nowMs: number): number {
  // The first call in the queue is not always the oldest: a later duplicate may have replaced it.
  let oldestMs = nowMs;
  for (const { arrivedAtMs } of stream.queue) oldestMs = Math.min(oldestMs, arrivedAtMs);
  return oldestMs + policy.lingerMaxMs;
}

function worthWaitingMs<T>(
  stream: Stream<T>,
  policy: Policy,
  gaps: GapHistogram,
  mostMs: number,
  nowMs: number,
): number {
  const { learned } = stream.user;
  if (!gaps.isKnown || learned.fruitlessHolds >= fruitlessHoldsAtMost) return 0;
  let callers = 0;
  for (const { urgency, followers } of stream.queue) {
    if (urgency < waitsFrom) callers += 1 + (followers?.length ?? 0);
  }
  const lastMs = learned.lastArrivalMs[stream.callClass === 'safe' ? 'safe' : 'unsafe'];
  return gaps.worthWaitingMs(callers, nowMs - (lastMs ?? nowMs), mostMs, policy.exchangeRateMs);
}

/**
 * Removes from the queue the calls to send now, the most urgent first, within the bounds. Returns them in order of
 * arrival. Calls that wait for a write
 * stay. The first call is taken even if it exceeds `maxBytes`.
 */
export function takeSendable<T>(
  stream: Stream<T>,
  maxParts: number,
  maxBytes: number,
): Array<Call<T>> {
  const { order } = stream.user;
  const taken: Array<Call<T>> = [];
  const staying: Array<Call<T>> = [];
  let bytes = 0;
  const ordered = sendOrder(stream);
  for (const call of ordered) {
    const fits =
      taken.length < maxParts && (taken.length === 0 || bytes + call.sizeBytes <= maxBytes);
    if (!fits || !order.allows(call)) {
      staying.push(call);
      continue;
    }
    bytes += call.sizeBytes;
    taken.push(call);
  }
  stream.queuedBytes -= bytes;
  if (ordered !== stream.queue) for (const calls of [taken, staying]) calls.sort(byArrival);
  stream.queue.splice(0, stream.queue.length, ...staying);
  return taken;
}

function sendOrder<T>(stream: Stream<T>): ReadonlyArray<Call<T>> {
  return stream.user.hasUrgencies ? byRank(stream.queue) : stream.queue;
}

function byArrival<T>(a: Call<T>, b: Call<T>): number {
  return a.sequence - b.sequence;
}

/** Returns how many calls `takeSendable` would remove. */
export function countSendable<T>(stream: Stream<T>, maxParts: number, maxBytes: number): number {
  let count = 0;
  let bytes = 0;
  for (const call of sendOrder(stream)) {
    if (count >= maxParts) break;
    if (!stream.user.order.allows(call)) continue;
    if (count > 0 && bytes + call.sizeBytes > maxBytes) continue;
    bytes += call.sizeBytes;
    count += 1;
  }
  return count;
}

/**
 * Counts holds in a row without a companion, so that later calls of the user are not held in vain.
 *
 * @param hold of a stream that was held
 */
export function recordHold<T>(
  user: User<T>,
  hold: Hold & { readonly kind: 'ready' },
  calls: ReadonlyArray<Call<T>>,
): void {
  if (hold.reason !== 'idle' && hold.reason !== 'linger') return;
  if (calls.every(({ urgency }) => urgency >= waitsFrom)) return;
  const companions = calls.length > 1 || calls[0]?.followers !== undefined;
  user.learned.fruitlessHolds = companions ? 0 : user.learned.fruitlessHolds + 1;
}
