import { describe, expect, test } from '@jest/globals';
import { isBelow, readEventNames, resourcePath } from '../../../src/core/ucwa/event-names.ts';

const application = '/ucwa/oauth/v1/applications/1';
const invitations = `${application}/communication/messagingInvitations`;

const event = (type: string, href: string, embedded: object = {}): object => ({
  _embedded: { messagingInvitation: embedded },
  link: { href, rel: 'messagingInvitation' },
  type,
});
const answer = (...events: object[]): string =>
  JSON.stringify({
    _links: { next: { href: `${application}/events?ack=2` } },
    sender: [{ events, href: `${application}/communication`, rel: 'communication' }],
  });

const xml = `<?xml version="1.0"?>
<events href="${application}/events?ack=1" xmlns="urn:x">
  <link rel="next" href="${application}/events?ack=2"/>
  <sender rel="communication" href="${application}/communication">
    <started rel="messagingInvitation" href="${invitations}/I1?a=1&amp;b=2">
      <resource rel="messagingInvitation" href="${invitations}/I1"><property name="operationId">o1</property></resource>
    </started>
    <started rel="messagingInvitation" href='${invitations}/I2'/>
    <started rel="messagingInvitation" href="${invitations}/I3"><resource><property name="direction">Incoming</property></resource></started>
    <updated rel="me" href="${application}/me"/>
  </sender>
</events>`;

const started = [
  { path: `${invitations}/i1`.toLowerCase(), operationIds: ['o1'], isIncoming: false },
  { path: `${invitations}/i2`.toLowerCase(), operationIds: [], isIncoming: false },
  { path: `${invitations}/i3`.toLowerCase(), operationIds: [], isIncoming: true },
];

describe('an answer of the event channel names operations and resources', () => {
  const json = answer(
    event('started', `https://pool.example${invitations}/I1`, { operationId: 'o1' }),
    event('started', `${invitations}/I2/`),
    event('started', `${invitations}/I3`, { direction: 'Incoming' }),
    event('updated', `${application}/me`),
  );
  test.each([
    ['JSON', json],
    ['JSON after a byte order mark', `\ufeff${json}`],
    ['XML', xml],
    ['XML after a byte order mark', `\ufeff${xml}`],
  ])('in %s', (_, text) => {
    const names = readEventNames(text);
    expect(names?.started.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual(started);
    expect([...(names?.operationIds ?? [])]).toEqual(['o1']);
    expect(names?.hasResource(`${application}/me`)).toBe(true);
    expect(names?.hasResource(started[0]!.path)).toBe(true);
    expect(names?.hasResource(invitations.toLowerCase())).toBe(true);
    expect(names?.hasResource(`${application}/m`)).toBe(false);
  });
});

test.each(['', '   ', 'hello', '{"sender":', '[1]', '{"sender"', '\u0000'])(
  'the text %j is no answer of the event channel',
  (text) => expect(readEventNames(text)).toBeUndefined(),
);

test.each(['{}', '{"type":"started"}', '{"type":"started","link":null}', '<started', '<started>'])(
  'the text %j names nothing',
  (text) => expect(readEventNames(text)?.started).toEqual([]),
);

test.each([
  ['nested JSON', '{"a":'.repeat(40_000) + '1' + '}'.repeat(40_000)],
  [
    'nested events',
    '{"type":"started","link":{"href":"/a"},"a":'.repeat(6000) + '1' + '}'.repeat(6000),
  ],
  ['open elements', '<started>'.repeat(29_000)],
  ['open attributes', `<a href='`.repeat(29_000)],
])('%s are read in little time', (_, text) => {
  const startedAt = performance.now();
  readEventNames(text);
  expect(performance.now() - startedAt).toBeLessThan(1000);
});

test.each([
  ['/A/b', '/a/b'],
  ['//A/b/', '/a/b'],
  ['https://pool.example:444/A?x=/y#z', '/a'],
  ['http://pool.example/', '/'],
  ['/a%40b', '/a@b'],
  ['/a%zz', '/a%zz'],
  ['i1', undefined],
  ['http://pool.example', undefined],
  ['', undefined],
])('the path of %s is %s', (href, path) => expect(resourcePath(href)).toBe(path));

test('only a path with further segments is below another one', () => {
  expect(isBelow('/a/b', '/a')).toBe(true);
  expect(isBelow('/ab', '/a')).toBe(false);
  expect(isBelow('/a', '/a')).toBe(false);
});
