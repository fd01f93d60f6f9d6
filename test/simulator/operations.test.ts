import { beforeEach, describe, expect, test } from '@jest/globals';
import { eventsOf, newsIn } from './event-text.ts';
import { bearer, send } from './http-client.ts';
import { base, parked, poll, pool, startOther } from './each-pool.ts';

beforeEach(() => send(`${pool.url}${base}`, { headers: bearer('ann') }));

describe('operations', () => {
  test.each([
    ['operationId', '?operationId=op-7', '', 'text/plain'],
    ['operationContext', '?OperationContext=op-7', '', 'text/plain'],
    ['operationId', '', '{"operationId":"op-7"}', 'application/json'],
    [
      'operationId',
      '',
      '<input><property name="operationId">op-7</property></input>',
      'application/xml',
    ],
  ])('are reported with the %s, which the client sent as %s%s', async (name, query, body, type) => {
    const pending = poll('ack=1');
    await parked(1);
    const path = `${base}/communication/conversations/c1`;
    const answer = await send(`${pool.url}${path}/messaging/messages${query}`, {
      method: 'POST',
      headers: { ...bearer('ann'), 'Content-Type': type },
      body,
    });
    const location = answer.headers.location ?? '';
    const begun = await pending;
    const link = { rel: 'message', href: location };
    const embedded = {
      _embedded: {
        message: {
          rel: 'message',
          direction: 'Outgoing',
          [name]: 'op-7',
          _links: { self: { href: location } },
        },
      },
    };
    expect(eventsOf(begun).sender).toMatchObject([
      { rel: 'conversation', href: path, events: [{ type: 'started', link, ...embedded }] },
    ]);
    const ended = await poll('ack=2');
    expect(eventsOf(ended).sender).toMatchObject([
      {
        rel: 'conversation',
        href: path,
        events: [{ type: 'completed', status: 'Success', link, ...embedded }],
      },
    ]);
  });

  test('that start a conversation report the invitation and the conversation', async () => {
    const answer = await send(`${pool.url}${base}/communication/messagingInvitations`, {
      method: 'POST',
      headers: { ...bearer('ann'), 'Content-Type': 'application/json' },
      body: '{"to":"sip:b@pool.example","operationId":"op-8"}',
    });
    const all = await poll('ack=1');
    expect(newsIn(all)).toEqual([
      ...['started messagingInvitation', 'added conversation'],
      ...['updated conversation', 'completed messagingInvitation'],
      ...['updated messaging', 'updated messaging', 'added localParticipant', 'added participant'],
    ]);
    expect(eventsOf(all).sender?.[0]?.events[0]).toMatchObject({
      link: { href: answer.headers.location },
      _embedded: { messagingInvitation: { operationId: 'op-8', state: 'Connecting' } },
    });
    expect(eventsOf(all).sender?.[0]?.events[3]).toMatchObject({
      status: 'Success',
      _embedded: { messagingInvitation: { operationId: 'op-8', state: 'Connected' } },
    });
  });

  test('are completed in a later poll if "operation" has a latency', async () => {
    const latency = (route: string) => (route === 'operation' ? 40 : 0);
    await startOther({ latency, applications: 'any' });
    await send(`${pool.url}${base}/communication/messagingInvitations`, {
      method: 'POST',
      headers: bearer('ann'),
    });
    expect(newsIn(await poll('ack=1'))).toEqual([
      'started messagingInvitation',
      'added conversation',
      'updated messaging',
    ]);
    expect(newsIn(await poll('ack=2'))).toEqual([
      ...['updated messaging', 'added localParticipant'],
      ...['updated conversation', 'completed messagingInvitation'],
    ]);
  });
});

test('all devices of a user get an event about a changed note', async () => {
  await startOther({ latency: 0, applications: 'any', eventSecondMs: 1 });
  const heard = send(`${pool.url}/ucwa/oauth/v1/applications/105/events?ack=1`, {
    headers: bearer('ann-2'),
  });
  await parked(1);
  await send(`${pool.url}${base}/me/note?message=x`, { method: 'POST', headers: bearer('ann') });
  expect(newsIn(await heard)).toEqual(['updated note']);
});
