/** The XML form of UCWA content. */
import { type ChannelEvent, bySender, type EventSet } from './event-set.ts';
import type { Content } from './outcome.ts';
import { type Resource, resolveHref, type Value } from './resource.ts';

const prolog = '<?xml version="1.0" encoding="utf-8"?>';
const namespace = 'xmlns="http://schemas.microsoft.com/rtc/2012/03/ucwa"';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => entities[char] ?? char);
}

function reference(base: string, rel: string, href: string): string {
  return `rel="${escaped(rel)}" href="${escaped(resolveHref(base, href))}"`;
}

function propertyXml(name: string, value: Value): string {
  if (typeof value === 'object' && !(value instanceof Date)) {
    const items = value.map((item) => `<item>${escaped(item)}</item>`).join('');
    return `<propertyList name="${escaped(name)}">${items}</propertyList>`;
  }
  const text = value instanceof Date ? value.toISOString() : String(value);
  return `<property name="${escaped(name)}">${escaped(text)}</property>`;
}

function resourceXml(base: string, resource: Resource, attributes = ''): string {
  const { rel, href, properties = {}, links = {}, embedded = {}, etag } = resource;
  return [
    `<resource ${reference(base, rel, href)}${attributes}>`,
    ...Object.entries(links).map(([name, to]) => `<link ${reference(base, name, to)}/>`),
    ...Object.entries(properties).map(([name, value]) => propertyXml(name, value)),
    ...(etag === undefined ? [] : [propertyXml('etag', etag)]),
    ...Object.values(embedded)
      .flat()
      .map((member) => resourceXml(base, member)),
    '</resource>',
  ].join('');
}

function eventXml(base: string, event: ChannelEvent): string {
  const { type, rel, href, status, embedded, reason, in: list } = event;
  const ending = status === undefined ? '' : ` status="${escaped(status)}"`;
  const inside = [
    list ? `<in ${reference(base, list.rel, list.href)}/>` : '',
    reason
      ? `<reason><code>${reason.code}</code><subcode>${reason.subcode}</subcode></reason>`
      : '',
    embedded ? resourceXml(base, embedded) : '',
  ];
  return `<${type} ${reference(base, rel, href)}${ending}>${inside.join('')}</${type}>`;
}

function eventsXml(base: string, { self, follow, events }: EventSet): string {
  return [
    `${prolog}<events href="${escaped(resolveHref(base, self))}" ${namespace}>`,
    `<link ${reference(base, follow.rel, follow.href)}/>`,
    ...bySender(events).flatMap(({ rel, href, events: news }) => [
      `<sender ${reference(base, rel, href)}>`,
      ...news.map((event) => eventXml(base, event)),
      '</sender>',
    ]),
    '</events>',
  ].join('');
}

/** Returns the XML text of content for an application at `base`; empty for no content. */
export function xmlForm(base: string, content: Exclude<Content, { kind: 'bytes' }>): string {
  switch (content.kind) {
    case 'none':
      return '';
    case 'resource':
      return prolog + resourceXml(base, content.resource, ` ${namespace}`);
    case 'events':
      return eventsXml(base, content.events);
    case 'error': {
      const { code, subcode, message } = content;
      const detail = subcode === undefined ? '' : `<subcode>${escaped(subcode)}</subcode>`;
      return `${prolog}<reason ${namespace}><code>${escaped(code)}</code>${detail}<message>${escaped(message)}</message></reason>`;
    }
  }
}
