import { sameKey, type BatchKey } from '../ucwa/batch-key.ts';
import type { Listed } from '../structures/linked-list.ts';
import { BlockedTime } from './estimators/blocked-time.ts';
import { Budget } from './estimators/retry-budget.ts';
import type { Call, CallClass, FlushReason } from './state.ts';
import { Lateness } from './estimators/batch-size-cap.ts';
import { LearnedLimit } from './estimators/learned-limit.ts';
import { WriteOrder } from './order/write-order.ts';
import { Pause } from './estimators/backoff.ts';

/** One exact credential at the pool: what is counted and bounded is counted for it. */
export interface User<T> extends Listed<User<T>> {
  /** The credential itself. Never shown. */
  readonly name: string;
  readonly streams: Array<Stream<T>>;
  readonly order: WriteOrder<T>;
  readonly learnt: Learnt;
  /** Accepted and not yet answered. */
  calls: number;
  bytes: number;
  /** Calls that the pool works on: parts, those whose callers left included, and what passed us by. */
  outstanding: number;
  /** Of these, long polls. */
  polls: number;
  /** When something that was no poll last passed us by. */
  passedThroughAtMs: number;
  /** Of calls that are sent again after faults. */
  readonly budget: Budget;
  readonly blocked: BlockedTime;
  /** When to ask again whether somebody may leave. */
  retryAtMs: number;
  /** The pool has no batch resource for his applications; until then his calls travel singly. */
  singlyUntilMs: number;
  /** Whether the pool ever answered this credential with 2xx; until then nothing of it is kept. */
  proved: boolean;
  /**
   * When the user was last seen with nothing in flight; `undefined` while something is. Stays as it was
   * when only what was learnt is kept: whoever comes then is another object.
   */
  idleSinceMs: number | undefined;
}

/** What is remembered of a user who is away. */
export interface Learnt {
  /** Holds in a row that brought no companion. */
  fruitlessHolds: number;
  /** Of the last call of each class. */
  readonly lastArrivalMs: { safe: number | undefined; unsafe: number | undefined };
  /** Calls of each class that came so soon behind each other that they could share a batch. */
  readonly runLength: { safe: number; unsafe: number };
  limit: LearnedLimit;
  readonly lateness: Lateness;
  readonly pause: Pause;
}

const nothingLearnt = (): Learnt => ({
  fruitlessHolds: 0,
  lastArrivalMs: { safe: undefined, unsafe: undefined },
  runLength: { safe: 0, unsafe: 0 },
  limit: new LearnedLimit(),
  lateness: new Lateness(),
  pause: new Pause(),
});

/** Repeats that one user can save up. */
const mostRepeats = 100;

export function newUser<T>(name: string, remembered: Learnt | undefined, nowMs: number): User<T> {
  return {
    name,
    streams: [],
    order: new WriteOrder<T>(),
    learnt: remembered ?? nothingLearnt(),
    calls: 0,
    bytes: 0,
    outstanding: 0,
    polls: 0,
    passedThroughAtMs: -Infinity,
    budget: new Budget(mostRepeats, nowMs),
    blocked: new BlockedTime(),
    retryAtMs: Infinity,
    singlyUntilMs: -Infinity,
    proved: remembered !== undefined,
    idleSinceMs: undefined,
    earlier: undefined,
    later: undefined,
  };
}

/** Where what was learnt of idle users is kept: bounded, forgetting. */
export interface UserMemory {
  take(name: string): Learnt | undefined;
  keep(name: string, learnt: Learnt): void;
  readonly size: number;
}

/** Calls of one key and class that may leave together; the hold is the stream's. */
export interface Stream<T> {
  readonly user: User<T>;
  readonly key: BatchKey;
  readonly callClass: CallClass;
  /** Its calls leave one by one, and wait for no other departure of their user. */
  readonly solo: boolean;
  /** In order of arrival; followers of another call are not in it. */
  readonly queue: Array<Call<T>>;
  queuedBytes: number;
  hold: Hold;
}

/**
 * - `empty`: nobody waits.
 * - `arriving`: what arrives in this turn of the event loop is judged together, at its end.
 * - `holding`: the calls wait for companions until `untilMs`.
 * - `ready`: a departure was asked for; whoever may leave when it is granted leaves.
 */
export type Hold =
  | { readonly kind: 'empty' }
  | { readonly kind: 'arriving' }
  | { readonly kind: 'holding'; readonly untilMs: number }
  | {
      readonly kind: 'ready';
      readonly reason: FlushReason;
      readonly sinceMs: number;
      /** Whether anybody was made to wait before. */
      readonly held: boolean;
    };

export const emptyHold: Hold = { kind: 'empty' };

export function streamOf<T>(
  user: User<T>,
  key: BatchKey,
  callClass: CallClass,
  solo: boolean,
): Stream<T> {
  for (const stream of user.streams) {
    if (stream.callClass === callClass && stream.solo === solo && sameKey(stream.key, key)) {
      return stream;
    }
  }
  const stream: Stream<T> = {
    user,
    key,
    callClass,
    solo,
    queue: [],
    queuedBytes: 0,
    hold: emptyHold,
  };
  user.streams.push(stream);
  return stream;
}

/** Lets go of a stream in which nobody waits; whether it did. */
export function dropIfEmpty<T>(stream: Stream<T>): boolean {
  if (stream.queue.length > 0) return false;
  stream.hold = emptyHold;
  const { streams } = stream.user;
  streams.splice(streams.indexOf(stream), 1);
  return true;
}

/** Takes a call out of the queue of its stream. */
export function unqueue<T>(call: Call<T>): void {
  const { stream } = call;
  stream.queue.splice(stream.queue.indexOf(call), 1);
  stream.queuedBytes -= call.sizeBytes;
  dropIfEmpty(stream);
}

/**
 * Of the streams of that kind that are ready and not kept back, the one that waited longest; an
 * operation before all others.
 */
export function longestReady<T>(user: User<T>, solo: boolean): Stream<T> | undefined {
  let longest: Stream<T> | undefined;
  let sinceMs = Infinity;
  for (const stream of user.streams) {
    if (stream.solo !== solo || stream.hold.kind !== 'ready') continue;
    const urgency = Number(isOperation(stream)) - Number(isOperation(longest));
    if (urgency < 0 || (urgency === 0 && stream.hold.sinceMs >= sinceMs)) continue;
    if (!stream.queue.some((call) => user.order.lets(call))) continue;
    longest = stream;
    sinceMs = stream.hold.sinceMs;
  }
  return longest;
}

function isOperation<T>(stream: Stream<T> | undefined): boolean {
  return stream?.callClass === 'operation';
}

/** Whether an operation of his may leave, which goes before everything else. */
export function hasOperation<T>({ streams, order }: User<T>): boolean {
  return streams.some(
    (stream) =>
      isOperation(stream) &&
      stream.hold.kind === 'ready' &&
      stream.queue.some((call) => order.lets(call)),
  );
}
