/** Streams: queues of calls. Calls of one stream can share a batch: they have the same user, key and class. */
import { sameKey, type BatchKey } from '../../ucwa/protocol.ts';
import type { Call, Hold, User, Stream } from '../state.ts';
import type { CallClass } from '../../messages/outgoing-call.ts';
import type { Sink } from '../sink.ts';
import { nextInTurn } from './device-shares.ts';

export const emptyHold: Hold = { kind: 'empty' };

export function streamOf<T>(
  user: User<T>,
  key: BatchKey,
  callClass: CallClass,
  unbatched: boolean,
): Stream<T> {
  for (const stream of user.streams) {
    if (
      stream.callClass === callClass &&
      stream.unbatched === unbatched &&
      sameKey(stream.key, key)
    ) {
      return stream;
    }
  }
  const stream: Stream<T> = {
    user,
    key,
    callClass,
    unbatched,
    queue: [],
    queuedBytes: 0,
    hold: emptyHold,
  };
  user.streams.push(stream);
  return stream;
}

/** Removes a stream without calls. Returns whether it did. */
export function dropIfEmpty<T>(stream: Stream<T>): boolean {
  if (stream.queue.length > 0) return false;
  stream.hold = emptyHold;
  const { streams } = stream.user;
  streams.splice(streams.indexOf(stream), 1);
  return true;
}

/** Removes a call from the queue of its stream. */
export function dequeue<T>(call: Call<T>): void {
  const { stream } = call;
  stream.queue.splice(stream.queue.indexOf(call), 1);
  stream.queuedBytes -= call.sizeBytes;
  dropIfEmpty(stream);
}

/** Returns the ready stream to send next, which has a call that the order of writes allows. */
export function nextReady<T>(user: User<T>, unbatched: boolean): Stream<T> | undefined {
  let found: Stream<T> | undefined;
  for (const stream of user.streams) {
    if (!canBeSent(stream, unbatched)) continue;
    if (found !== undefined || user.shares !== undefined)
      return nextInTurn(
        user,
        user.streams.filter((other) => canBeSent(other, unbatched)),
      );
    found = stream;
  }
  return found;
}

function canBeSent<T>(stream: Stream<T>, unbatched: boolean): boolean {
  if (stream.unbatched !== unbatched || stream.hold.kind !== 'ready') return false;
  return stream.queue.some((call) => stream.user.order.allows(call));
}

/** Whether a starter of an operation is ready to be sent. Starters go before all other calls of the user. */
export function hasOperation<T>({ streams, order }: User<T>): boolean {
  return streams.some(
    (stream) =>
      stream.callClass === 'operation' &&
      stream.hold.kind === 'ready' &&
      stream.queue.some((call) => order.allows(call)),
  );
}

/** Asks for dispatch permits for all ready streams of the user, for unbatched calls first. */
export function requestPermits<T>(user: User<T>, sink: Pick<Sink<T>, 'requestPermit'>): void {
  let batch = false;
  for (const { hold, unbatched } of user.streams) {
    if (hold.kind !== 'ready') continue;
    if (unbatched) sink.requestPermit(user, true);
    else batch = true;
  }
  if (batch) sink.requestPermit(user, false);
}
