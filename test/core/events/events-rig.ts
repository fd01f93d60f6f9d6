/** Answers of event channels, and the holds of the core under a clock that the test sets. */
import { EventHolds, type HoldOutcome } from '../../../src/core/events/event-holds.ts';
import { type EventNames, readEventNames } from '../../../src/core/ucwa/event-names.ts';

export const invitations = '/app/invitations';

export interface NewsItem {
  readonly type?: string;
  readonly href: string;
  readonly operationId?: string | undefined;
  readonly direction?: string;
}

/** What an answer with these events names. */
export function names(...items: NewsItem[]): EventNames {
  const events = items.map(({ type = 'started', href, ...embedded }) => ({
    type,
    link: { href },
    _embedded: embedded,
  }));
  const read = readEventNames(JSON.stringify({ sender: [{ events }] }));
  if (read === undefined) throw new Error('not readable');
  return read;
}

export class HoldsRig {
  nowMs = 0;
  /** The answers in the order of their release. */
  readonly released: string[] = [];
  readonly outcomes: HoldOutcome[] = [];
  readonly holds = new EventHolds<string>({
    release: (answer) => this.released.push(answer),
    ended: (outcome) => this.outcomes.push(outcome),
  });

  begin(
    ids: readonly string[] = [],
    more: { path?: string; connection?: object; user?: string; isSent?: () => boolean } = {},
  ) {
    const { path = invitations, connection = {}, user = 'user', isSent = () => true } = more;
    return this.holds.begin({ channel: user, connection, path, ids, hasAllIds: true, isSent });
  }

  arrived(owner: string, more: { chain?: string; connection?: object; user?: string } = {}) {
    const { chain = '', connection = {}, user = 'user' } = more;
    return this.holds.arrived({ owner, channel: user, chain, connection }, this.nowMs);
  }

  /** An answer that arrives whole. */
  answer(owner: string, content: EventNames | undefined, more = {}) {
    const held = this.arrived(owner, more);
    if (held === undefined) this.released.push(owner);
    else this.holds.read(held, content, this.nowMs);
    return held;
  }

  /** Moves the clock, and wakes the holds at each time for which they ask. */
  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    while (this.holds.nextAtMs <= untilMs) {
      this.nowMs = Math.max(this.nowMs, this.holds.nextAtMs);
      this.holds.wake(this.nowMs);
    }
    this.nowMs = untilMs;
  }
}
