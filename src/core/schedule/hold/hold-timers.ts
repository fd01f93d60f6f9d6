import { TimerHeap } from '../../structures/timer-heap.ts';
import type { FlushReason, Hold, Stream, User } from '../state.ts';
import { type GapHistogram, GapsByPosition, longestBurst } from '../estimators/gap-histogram.ts';
import { neverHeldUpTo } from '../../messages/urgency.ts';
import { hasUrgent } from '../order/urgency.ts';
import { decideHold, immediateFlushReason, lingerEndMs } from './hold-decision.ts';
import type { Policy } from '../policy.ts';
import type { Sink } from '../sink.ts';
import type { CallClass } from '../../messages/outgoing-call.ts';
import { emptyHold } from '../queue/stream.ts';

/**
 * The holds of all streams: the streams that got a call in this event-loop turn, and the timers of the
 * others.
 */
export class HoldTimers<T> {
  readonly #policy: Policy;
  readonly #sink: Pick<Sink<T>, 'requestPermit' | 'wakeAt'>;
  readonly #timers = new TimerHeap<Stream<T>>();
  readonly #gaps = { safe: new GapsByPosition(), unsafe: new GapsByPosition() };
  /** Streams that got a call in this event-loop turn. */
  #arriving = new Set<Stream<T>>();
  #draining = false;

  constructor(policy: Policy, sink: Pick<Sink<T>, 'requestPermit' | 'wakeAt'>) {
    this.#policy = policy;
    this.#sink = sink;
  }

  get nextAtMs(): number {
    return this.#timers.nextAtMs;
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  /** No call is held from now on. */
  drain(): void {
    this.#draining = true;
  }

  /** Decides all holds again, because the policy has other values now. No hold becomes longer than the new limit. */
  policyChanged(users: Iterable<User<T>>, nowMs: number): void {
    for (const { streams } of users) {
      for (const stream of streams) {
        const { kind } = stream.hold;
        if ((kind !== 'holding' && kind !== 'arriving') || stream.queue.length === 0) continue;
        const reason = immediateFlushReason(stream, this.#policy, this.#draining);
        if (reason !== undefined) this.flush(stream, reason, nowMs);
        else if (kind === 'holding') this.#decide(stream, nowMs);
      }
    }
  }

  /**
   * Records the gap before a new call. The new call is a companion of the last one, or shows that none came.
   */
  learnGap(user: User<T>, callClass: CallClass, nowMs: number): void {
    if (callClass === 'operation' || this.#policy.expectedGets?.isGathering === true) return;
    const { learned } = user;
    // `user.calls` includes the new call.
    const isCompanion = user.calls > 1;
    if (isCompanion) learned.fruitlessHolds = 0;
    const lastMs = learned.lastArrivalMs[callClass];
    const gapMs = isCompanion && lastMs !== undefined ? nowMs - lastMs : Infinity;
    const burst = learned.burstLength[callClass];
    // Only users that are not new contribute to the shared gaps.
    if (lastMs !== undefined && user.proved) this.#gaps[callClass].add(gapMs, burst);
    learned.burstLength[callClass] =
      gapMs <= this.#policy.lingerMaxMs ? Math.min(longestBurst, burst + 1) : 1;
    learned.lastArrivalMs[callClass] = nowMs;
  }

  /** Handles a call that joined the queue of the stream. */
  arrived(stream: Stream<T>, nowMs: number): void {
    if (stream.hold.kind === 'ready') {
      this.#sink.requestPermit(stream.user, stream.unbatched);
      return;
    }
    const reason = immediateFlushReason(stream, this.#policy, this.#draining);
    if (reason !== undefined) {
      this.flush(stream, reason, nowMs);
      return;
    }
    if (this.#policy.expectedGets !== undefined && this.#holdForExpected(stream, nowMs)) return;
    if (stream.hold.kind === 'empty') {
      // If a companion is too unlikely, send the call now and not at the end of the turn.
      if (this.#policy.mode === 'adaptive' && stream.user.calls === 1 && this.#knows(stream)) {
        this.#decide(stream, nowMs);
        return;
      }
      stream.hold = { kind: 'arriving' };
    }
    this.#arriving.add(stream);
    this.#sink.wakeAt(nowMs);
  }

  /** Ends the hold of the stream, if it has calls. Their batch then waits for a dispatch permit. */
  flush(stream: Stream<T>, reason: FlushReason, nowMs: number): void {
    const { kind } = stream.hold;
    if (kind === 'ready' || stream.queue.length === 0) return;
    this.#set(stream, { kind: 'ready', reason, sinceMs: nowMs, held: kind === 'holding' });
  }

  /** Handles the calls that stay in the queue after a batch of the stream was sent. */
  afterDispatch(stream: Stream<T>, hold: Hold & { readonly kind: 'ready' }, nowMs: number): void {
    const next = stream.queue[0];
    const isNew = hold.sinceMs === nowMs && next !== undefined && stream.user.order.allows(next);
    if (isNew) stream.hold = emptyHold;
    this.arrived(stream, nowMs);
  }

  wake(nowMs: number): void {
    const arriving = this.#arriving;
    this.#arriving = new Set();
    for (const stream of arriving) {
      if (stream.queue.length > 0 && stream.hold.kind !== 'ready') this.#decide(stream, nowMs);
    }
    while (this.#timers.nextAtMs <= nowMs) {
      const { item: stream, atMs } = this.#timers.take();
      const { hold } = stream;
      if (hold.kind === 'holding' && hold.untilMs === atMs) this.#decide(stream, nowMs);
    }
  }

  /** Holds the stream for calls that an event announces, and no longer. Returns whether the event decides. */
  #holdForExpected(stream: Stream<T>, nowMs: number): boolean {
    if (stream.callClass !== 'safe') return false;
    if (stream.user.hasUrgencies && hasUrgent(stream, neverHeldUpTo)) return false;
    const { expectedGets } = this.#policy;
    const expectedMs = expectedGets?.holdUntilMs(stream.key, stream.user.calls, nowMs);
    if (expectedMs === undefined) return false;
    this.#arriving.delete(stream);
    const untilMs = Math.min(expectedMs, lingerEndMs(stream, this.#policy, nowMs));
    if (untilMs <= nowMs) this.flush(stream, 'idle', nowMs);
    else if (stream.hold.kind !== 'holding' || stream.hold.untilMs !== untilMs)
      this.#set(stream, { kind: 'holding', untilMs });
    return true;
  }

  #knows(stream: Stream<T>): boolean {
    return this.#gapsOf(stream).isKnown;
  }

  #decide(stream: Stream<T>, nowMs: number): void {
    this.#set(stream, decideHold(stream, this.#policy, this.#gapsOf(stream), nowMs));
  }

  #gapsOf({ callClass, user }: Stream<T>): GapHistogram {
    const kind = callClass === 'safe' ? callClass : 'unsafe';
    return this.#gaps[kind].after(user.learned.burstLength[kind]);
  }

  #set(stream: Stream<T>, hold: Hold): void {
    stream.hold = hold;
    if (hold.kind === 'holding') {
      this.#timers.add(stream, hold.untilMs);
      this.#sink.wakeAt(hold.untilMs);
    }
    if (hold.kind === 'ready') this.#sink.requestPermit(stream.user, stream.unbatched);
  }
}
