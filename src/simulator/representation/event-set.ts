/** The events of an event channel, and the sets that polls get. */
import type { Resource } from './resource.ts';

type EventType = 'added' | 'updated' | 'deleted' | 'started' | 'completed';

export type EventPriority = 'high' | 'medium' | 'low';

/** One event: a sender reports a change of a resource. */
export interface ChannelEvent {
  readonly type: EventType;
  /** Relation of the changed resource. */
  readonly rel: string;
  /** Href of the changed resource below the application, for example `me/presence`. */
  readonly href: string;
  /** Default: the first segment of `href`, as `rel` and as `href`. */
  readonly sender?: { readonly rel: string; readonly href: string };
  /** Default `high`: due at once. Other events wait for more events as long as the poll allows. */
  readonly priority?: EventPriority;
  /** Result of an operation: `Success` or `Failure`. */
  readonly status?: string;
  /** Reason for an end, for example `LocalFailure` with the subcode `Ended`. */
  readonly reason?: { readonly code: string; readonly subcode: string };
  /** List that the resource was added to or deleted from. */
  readonly in?: { readonly rel: string; readonly href: string };
  readonly embedded?: Resource;
}

/** The answer to a poll. `follow` links to the next poll: `resync` after a loss, otherwise `next`. */
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

/** Groups events by sender. The senders are in the order of their first events. */
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
