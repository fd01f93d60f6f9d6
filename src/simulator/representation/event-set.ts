/** What the event channel carries, and in which sets it is handed out. */
import type { Resource } from './resource.ts';

type EventType = 'added' | 'updated' | 'deleted' | 'started' | 'completed';

export type EventPriority = 'high' | 'medium' | 'low';

/** One event, as a sender's news about a resource. */
export interface ChannelEvent {
  readonly type: EventType;
  /** The resource it is about, its href below the application (`me/presence`). */
  readonly rel: string;
  readonly href: string;
  /** Default: the first segment of `href`, as both. */
  readonly sender?: { readonly rel: string; readonly href: string };
  /** Default high: told at once. Others wait for company as long as the client's poll allows. */
  readonly priority?: EventPriority;
  /** How an operation ended: `Success`, `Failure`. */
  readonly status?: string;
  readonly embedded?: Resource;
}

/** The answer to a poll. `follow` is what to ask next: usually `next`, `resync` after a loss. */
export interface EventSet {
  readonly self: string;
  readonly follow: { readonly rel: 'next' | 'resync'; readonly href: string };
  readonly events: readonly ChannelEvent[];
}

export interface SenderEvents {
  readonly rel: string;
  readonly href: string;
  readonly events: readonly ChannelEvent[];
}

/** The events by sender, senders in order of their first event. */
export function bySender(events: readonly ChannelEvent[]): SenderEvents[] {
  const senders = new Map<string, SenderEvents & { events: ChannelEvent[] }>();
  for (const event of events) {
    const first = event.href.split('/')[0] ?? '';
    const { rel, href } = event.sender ?? { rel: first, href: first };
    const known = senders.get(href);
    if (known) known.events.push(event);
    else senders.set(href, { rel, href, events: [event] });
  }
  return [...senders.values()];
}
