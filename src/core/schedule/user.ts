import { sameKey, type BatchKey } from '../admit/batch-key.ts';
import { type Call, type FlushReason } from './call.ts';

/** One exact credential at the pool: what is counted and bounded is counted for it. */
export interface User<T> {
  /** The credential itself. Never shown. */
  readonly name: string;
  readonly streams: Array<Stream<T>>;
  /** Accepted and not yet answered. */
  calls: number;
  bytes: number;
  /** Calls that the pool works on, those whose callers left included. */
  outstanding: number;
}

/** Calls of one key that may leave together; the hold is the stream's. */
export interface Stream<T> {
  readonly user: User<T>;
  readonly key: BatchKey;
  /** In order of arrival. */
  readonly queue: Array<Call<T>>;
  queuedBytes: number;
  hold: Hold;
}

/**
 * - `empty`: nobody waits.
 * - `holding`: the first call waits for companions until `untilMs`.
 * - `ready`: a departure was asked for; whoever is there when it is granted leaves.
 */
export type Hold =
  | { readonly kind: 'empty' }
  | { readonly kind: 'holding'; readonly untilMs: number }
  | { readonly kind: 'ready'; readonly reason: FlushReason; readonly sinceMs: number };

export function streamOf<T>(user: User<T>, key: BatchKey): Stream<T> {
  const known = user.streams.find((stream) => sameKey(stream.key, key));
  if (known !== undefined) return known;
  const stream: Stream<T> = {
    user,
    key,
    queue: [],
    queuedBytes: 0,
    hold: { kind: 'empty' },
  };
  user.streams.push(stream);
  return stream;
}

/** Lets go of a stream in which nobody waits; whether it did. */
export function dropIfEmpty<T>(stream: Stream<T>): boolean {
  if (stream.queue.length > 0) return false;
  stream.hold = { kind: 'empty' };
  const { streams } = stream.user;
  streams.splice(streams.indexOf(stream), 1);
  return true;
}

/** The stream that has waited longest for a departure. */
export function longestReady<T>(user: User<T>): Stream<T> | undefined {
  let longest: Stream<T> | undefined;
  let sinceMs = Infinity;
  for (const stream of user.streams) {
    if (stream.hold.kind !== 'ready' || stream.hold.sinceMs >= sinceMs) continue;
    longest = stream;
    sinceMs = stream.hold.sinceMs;
  }
  return longest;
}
