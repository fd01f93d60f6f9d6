/** Back into the queue: calls whose request did not end as it should. */
import { type Call, travellersOf, waitersOf } from '../state.ts';
import { type Stream, streamOf } from '../user.ts';

/**
 * Puts the part of a call whose request is over back at its place in the queue, by arrival; `solo`:
 * it leaves by itself. The call that stands for it, which is another one if its own caller left, or
 * `undefined` if nobody waits for it. The stream is ready to leave.
 */
export function putBack<T>(slot: Call<T>, solo: boolean, nowMs: number): Call<T> | undefined {
  const waiters = travellersOf(slot);
  const [heir, ...others] = waiters;
  if (heir === undefined) return undefined;
  const { user, key, callClass } = slot.stream;
  const reason = slot.batch?.flushReason ?? 'idle';
  const stream = streamOf(user, key, callClass, solo || slot.stream.solo);
  for (const call of waiters) {
    call.stage = 'held';
    call.batch = undefined;
    call.stream = stream;
    call.leader = call === heir ? undefined : heir;
    call.queuedAtMs = nowMs;
    call.freeAtMs = nowMs;
    call.pauseBeforeMs = user.blocked.pausedMs(nowMs);
    call.limitBeforeMs = user.blocked.limitedMs(nowMs);
  }
  heir.followers = others.length > 0 ? others : undefined;
  insert(stream, heir);
  if (stream.hold.kind !== 'ready') {
    stream.hold = { kind: 'ready', reason, sinceMs: nowMs, held: false };
  }
  if (heir.callClass !== 'safe') user.order.returned(heir, heldBy(user.streams));
  else for (const call of waiters) user.order.rejoin(call);
  return heir;
}

function insert<T>(stream: Stream<T>, call: Call<T>): void {
  const { queue } = stream;
  let at = queue.length;
  while (at > 0 && (queue[at - 1] as Call<T>).sequence > call.sequence) at -= 1;
  queue.splice(at, 0, call);
  stream.queuedBytes += call.sizeBytes;
}

function* heldBy<T>(streams: ReadonlyArray<Stream<T>>): Generator<Call<T>> {
  for (const { queue } of streams) {
    for (const slot of queue) yield* waitersOf(slot);
  }
}
