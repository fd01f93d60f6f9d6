/** Users that wait for capacity, and the times at which time alone may allow their calls to be sent. */
import type { TimerHeap } from '../../structures/timer-heap.ts';
import { requestPermits } from '../queue/stream.ts';
import type { Sink } from '../sink.ts';
import type { User } from '../state.ts';
import type { Capacity } from './dispatch-check.ts';

/** Records that the user is blocked, and sets a timer for its next check. */
export function block<T>(
  user: User<T>,
  { reason, untilMs }: Capacity & { readonly kind: 'blocked' },
  checks: TimerHeap<User<T>>,
  sink: Pick<Sink<T>, 'wakeAt'>,
  nowMs: number,
): void {
  user.blocked.begin(reason, nowMs);
  if (untilMs >= user.nextCheckAtMs) return;
  user.nextCheckAtMs = untilMs;
  checks.add(user, untilMs);
  sink.wakeAt(untilMs);
}

/** Asks for permits for each user with a timer that is due. */
export function recheck<T>(
  checks: TimerHeap<User<T>>,
  sink: Pick<Sink<T>, 'requestPermit'>,
  nowMs: number,
): void {
  while (checks.nextAtMs <= nowMs) {
    const { item: user, atMs } = checks.take();
    if (user.nextCheckAtMs === atMs) user.nextCheckAtMs = Infinity;
    requestPermits(user, sink);
  }
}
