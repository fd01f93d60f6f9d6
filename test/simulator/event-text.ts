/** Reads the answers of the event channel. */
import { type ClientAnswer, json } from './http-client.ts';

export interface Events {
  readonly _links: Record<string, { href: string }>;
  readonly sender?: ReadonlyArray<{
    readonly rel: string;
    readonly href: string;
    readonly events: ReadonlyArray<Record<string, unknown>>;
  }>;
}

/** The body of an answer to a poll. */
export function eventsOf(answer: ClientAnswer): Events {
  return json(answer) as unknown as Events;
}

/** `type rel` of each event, senders in order. */
export function newsIn(answer: ClientAnswer): string[] {
  return (eventsOf(answer).sender ?? []).flatMap(({ events }) =>
    events.map(({ type, link }) => `${String(type)} ${(link as { rel: string }).rel}`),
  );
}
