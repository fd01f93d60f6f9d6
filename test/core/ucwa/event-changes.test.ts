import { expect, test } from '@jest/globals';
import { changesIn } from '../../../src/core/ucwa/event-changes.ts';

const app = '/ucwa/oauth/v1/applications/1';
const presence = { rel: 'contactPresence', href: `${app}/people/bob@x/presence` };

function json(events: unknown): string {
  return JSON.stringify({ _links: { next: { href: `${app}/events?ack=2` } }, sender: events });
}

test('each event gives the relation, the type and the target of its resource', () => {
  const text = json([
    {
      rel: 'people',
      href: `${app}/people`,
      events: [
        { link: presence, in: { rel: 'contact', href: `${app}/people/bob@x` }, type: 'updated' },
        { link: { rel: 'contact', href: `https://pool.example${app}/people/c#x` }, type: 'added' },
      ],
    },
    { events: [{ link: { href: `${app}/me?view=1` }, type: 'deleted' }] },
  ]);
  const changes = [
    { rel: 'contactPresence', type: 'updated', target: presence.href },
    { rel: 'contact', type: 'added', target: `${app}/people/c` },
    { rel: '', type: 'deleted', target: `${app}/me?view=1` },
  ];
  expect(changesIn(text)).toEqual(changes);
  expect(changesIn(`\ufeff ${text}`)).toEqual(changes);
});

test('XML gives the same', () => {
  const text = `<?xml version="1.0"?><events xmlns="x"><link rel="next" href="${app}/events?ack=2"/>
    <sender rel="people" href="${app}/people">
      <updated rel='contactPresence' href='${app}/people/bob@x/presence'><resource rel="x" href="y"/></updated>
      <added href="${app}/people/c?a=1&amp;b=2" rel="contact"/>
    </sender></events>`;
  expect(changesIn(text)).toEqual([
    { rel: 'contactPresence', type: 'updated', target: presence.href },
    { rel: 'contact', type: 'added', target: `${app}/people/c?a=1&b=2` },
  ]);
});

test.each([
  ['no sender', '{}'],
  ['odd senders', json(['x', null, 1, { events: 'y' }, { events: [null, 'z', {}, { link: 1 }] }])],
  ['a link without a slash', json([{ events: [{ link: { href: 'me' }, type: 'updated' }] }])],
  ['a link that is no text', json([{ events: [{ link: { href: 1 }, type: 'updated' }] }])],
  ['an unknown type', json([{ events: [{ link: presence, type: 'burned' }] }])],
  ['XML without events', `<events><sender href="${app}/people"/></events>`],
])('%s gives no changes', (_, text) => {
  expect(changesIn(text)).toEqual([]);
});

test.each([
  ['no text', ''],
  ['text', 'hello'],
  ['broken JSON', '{"sender":['],
  ['a list', '[]'],
])('%s is no answer of the event channel', (_, text) => {
  expect(changesIn(text)).toBeUndefined();
});

test('an answer with more than a thousand events is not read', () => {
  const link = (i: number) => ({ rel: 'x', href: `${app}/people/${i}` });
  const events = Array.from({ length: 1200 }, (_, i) => ({ link: link(i), type: 'updated' }));
  const xmlOf = (some: typeof events): string =>
    some.map(({ link: { href } }) => `<updated rel="x" href="${href}"/>`).join('');
  const few = events.slice(0, 1000);
  expect(changesIn(json([{ events: few }]))).toHaveLength(1000);
  expect(changesIn(`<events>${xmlOf(few)}</events>`)).toHaveLength(1000);
  expect(changesIn(json([{ events }]))).toBeUndefined();
  expect(changesIn(`<events>${xmlOf(events)}</events>`)).toBeUndefined();
});
