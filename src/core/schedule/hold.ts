import { type Call, type FlushReason } from './call.ts';
import { type Policy } from './policy.ts';
import { type Hold, type Stream } from './user.ts';

/**
 * Whether a stream that somebody waits in goes on holding, or is ready to leave and why. A stream
 * that holds or is ready keeps its hold, as the same value, unless there is a reason to end it.
 */
export function holdOf<T>(
  stream: Stream<T>,
  policy: Policy,
  draining: boolean,
  nowMs: number,
): Hold {
  if (stream.hold.kind === 'ready') return stream.hold;
  const reason = reasonToLeave(stream, policy, draining);
  if (reason !== undefined) return { kind: 'ready', reason, sinceMs: nowMs };
  if (stream.hold.kind === 'holding') return stream.hold;
  const untilMs = (stream.queue[0]?.arrivedAtMs ?? nowMs) + policy.lingerMaxMs;
  return untilMs <= nowMs
    ? { kind: 'ready', reason: 'linger', sinceMs: nowMs }
    : { kind: 'holding', untilMs };
}

function reasonToLeave<T>(
  stream: Stream<T>,
  policy: Policy,
  draining: boolean,
): FlushReason | undefined {
  if (draining) return 'drain';
  if (policy.mode === 'off') return 'idle';
  if (stream.queue.length >= policy.maxParts) return 'parts';
  if (stream.queuedBytes >= policy.maxBytes) return 'bytes';
  return undefined;
}

/** Takes out the calls that leave now, from the front; at least one, however large it is. */
export function leavingCalls<T>(stream: Stream<T>, policy: Policy): Array<Call<T>> {
  const maxParts = policy.mode === 'off' ? 1 : policy.maxParts;
  let bytes = 0;
  let count = 0;
  for (const call of stream.queue) {
    if (count >= maxParts || (count > 0 && bytes + call.sizeBytes > policy.maxBytes)) break;
    bytes += call.sizeBytes;
    count += 1;
  }
  stream.queuedBytes -= bytes;
  return stream.queue.splice(0, count);
}
