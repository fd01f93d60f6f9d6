/** Helpers for answers of the event channel. */
import { type ClientAnswer, json } from './http-client.ts';

export interface Events {
  readonly _links: Record<string, { href: string }>;
  readonly sender?: ReadonlyArray<{
    readonly rel: string;
    readonly href: string;
    readonly events: ReadonlyArray<Record<string, unknown>>;
  }>;
}

/** Returns the body of the answer to a poll. */
export function eventsOf(answer: ClientAnswer): Events {
  return json(answer) as unknown as Events;
}

/** Returns `type rel` of each event, grouped by sender. */
export function newsIn(answer: ClientAnswer): string[] {
  return (eventsOf(answer).sender ?? []).flatMap(({ events }) =>
    events.map(({ type, link }) => `${String(type)} ${(link as { rel: string }).rel}`),
  );
}
