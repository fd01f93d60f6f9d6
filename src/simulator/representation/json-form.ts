/**
 * The JSON form of UCWA content, in the spelling of the .NET serializer: one line, `&` as `\u0026`
 * (also angle brackets), dates as `\/Date(1364327898968)\/`. A proxy that parses an answer and
 * serializes it again changes these bytes, so tests detect it.
 */
import { type ChannelEvent, bySender, type EventSet } from './event-set.ts';
import type { Content } from './outcome.ts';
import { type Resource, resolveHref, type Value } from './resource.ts';

type Json = string | number | boolean | readonly Json[] | { readonly [name: string]: Json };

function stringify(json: Json): string {
  return JSON.stringify(json)
    .replace(/[&<>']/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)
    .replace(/"\/Date\((\d+)\)\/"/g, '"\\/Date($1)\\/"');
}

function valueJson(value: Value): Json {
  return value instanceof Date ? `/Date(${value.getTime()})/` : value;
}

function resourceJson(base: string, resource: Resource): Json {
  const { rel, href, properties = {}, links = {}, embedded = {}, etag } = resource;
  const hrefs = Object.entries({ self: href, ...links });
  const inside = Object.entries(embedded);
  return {
    ...Object.fromEntries(Object.entries(properties).map(([name, v]) => [name, valueJson(v)])),
    _links: Object.fromEntries(hrefs.map(([name, to]) => [name, { href: resolveHref(base, to) }])),
    ...(inside.length === 0 ? {} : { _embedded: embeddedJson(base, inside) }),
    rel,
    ...(etag === undefined ? {} : { etag }),
  };
}

function embeddedJson(
  base: string,
  inside: ReadonlyArray<[string, Resource | readonly Resource[]]>,
): Json {
  return Object.fromEntries(
    inside.map(([name, content]) => [
      name,
      'rel' in content
        ? resourceJson(base, content)
        : content.map((member) => resourceJson(base, member)),
    ]),
  );
}

function eventJson(base: string, event: ChannelEvent): Json {
  const { embedded, rel, href, type, status, reason, in: list } = event;
  return {
    ...(embedded ? { _embedded: { [embedded.rel]: resourceJson(base, embedded) } } : {}),
    link: { rel, href: resolveHref(base, href) },
    ...(list === undefined ? {} : { in: { rel: list.rel, href: resolveHref(base, list.href) } }),
    ...(status === undefined ? {} : { status }),
    ...(reason === undefined ? {} : { reason }),
    type,
  };
}

function eventsJson(base: string, { self, follow, events }: EventSet): Json {
  const senders = bySender(events).map(({ rel, href, events: news }) => ({
    rel,
    href: resolveHref(base, href),
    events: news.map((event) => eventJson(base, event)),
  }));
  return {
    _links: {
      self: { href: resolveHref(base, self) },
      [follow.rel]: { href: resolveHref(base, follow.href) },
    },
    ...(senders.length === 0 ? {} : { sender: senders }),
  };
}

/** Returns the JSON text of content for an application at `base`; empty for no content. */
export function jsonForm(base: string, content: Exclude<Content, { kind: 'bytes' }>): string {
  switch (content.kind) {
    case 'none':
      return '';
    case 'resource':
      return stringify(resourceJson(base, content.resource));
    case 'events':
      return stringify(eventsJson(base, content.events));
    case 'error': {
      const { code, subcode, message } = content;
      return stringify({ code, ...(subcode === undefined ? {} : { subcode }), message });
    }
  }
}
