/** Two users who talk to each other, and what each sees on the event channel. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import {
  isConnected,
  isIncoming,
  linkOf,
  SimulatedUser,
  type UserLinks,
} from '../support/simulated-user.ts';
import { json } from './http-client.ts';

let pool: Simulator;

beforeEach(async () => {
  pool = await startSimulator({ latency: 0, applications: 'any' });
});
afterEach(() => pool.stop());

async function signedIn(name: string, id: string): Promise<SimulatedUser> {
  const user = new SimulatedUser(pool.url, name, id);
  expect((await user.post('me/makeMeAvailable', '{}')).status).toBe(204);
  return user;
}

async function connectedUsers() {
  const ann = await signedIn('ann', '1');
  const bob = await signedIn('bob', '2');
  const invited = await ann.post(
    'communication/messagingInvitations',
    '{"to":"sip:bob@pool.example","subject":"s","operationId":"op-1","_links":{"message":{"href":"data:text/plain,hi+there"}}}',
  );
  expect(invited.status).toBe(201);
  const invitation = await bob.until('started', 'messagingInvitation');
  return { ann, bob, invitation };
}

test('an available user receives an invitation, and both are connected after it was accepted', async () => {
  const { ann, bob, invitation } = await connectedUsers();
  expect(invitation._embedded?.['messagingInvitation']).toMatchObject({
    direction: 'Incoming',
    state: 'Connecting',
    subject: 's',
    _links: { message: { href: 'data:text/plain;charset=utf8,hi%20there' } },
    _embedded: { from: { uri: 'sip:ann@pool.example', name: 'Ann' } },
  });
  const accept = linkOf(invitation, 'messagingInvitation', 'accept');
  expect((await bob.post(accept)).status).toBe(204);
  const completed = await ann.until('completed', 'messagingInvitation');
  expect(completed).toMatchObject({
    status: 'Success',
    _embedded: { messagingInvitation: { operationId: 'op-1', state: 'Connected' } },
  });
  expect(await bob.until('completed', 'messagingInvitation')).toMatchObject({ status: 'Success' });
  expect((await bob.post(accept)).status).toBe(409);
});

test('messages, typing and the end of a conversation reach the other user', async () => {
  const { ann, bob, invitation } = await connectedUsers();
  await bob.post(linkOf(invitation, 'messagingInvitation', 'accept'));
  const messaging = await ann.until('updated', 'messaging', isConnected);
  await ann.post(linkOf(messaging, 'messaging', 'setIsTyping'));
  expect(
    await bob.until('added', 'participant', (event) => event.in?.rel === 'typingParticipants'),
  ).toBeDefined();
  const sent = await ann.post(linkOf(messaging, 'messaging', 'sendMessage'), 'hello', 'text/plain');
  expect(sent.status).toBe(201);
  const received = await bob.until('completed', 'message', isIncoming);
  expect(linkOf(received, 'message', 'plainMessage')).toBe('data:text/plain;charset=utf8,hello');
  const sender = json(await bob.ask(linkOf(received, 'message', 'participant')));
  expect(sender).toMatchObject({ rel: 'participant', uri: 'sip:ann@pool.example' });
  // A public client answers with a POST to the link of the message.
  expect((await bob.post(linkOf(received, 'message', 'self'), 'hi', 'text/plain')).status).toBe(
    201,
  );
  const answered = await ann.until('completed', 'message', isIncoming);
  expect(linkOf(answered, 'message', 'plainMessage')).toBe('data:text/plain;charset=utf8,hi');
  expect((await ann.post(linkOf(messaging, 'messaging', 'stopMessaging'))).status).toBe(204);
  const ended = await bob.until('updated', 'messaging', (event) => event.reason !== undefined);
  expect(ended).toMatchObject({ reason: { subcode: 'Ended' } });
});

test('a declined invitation ends the conversation of both', async () => {
  const { ann, bob, invitation } = await connectedUsers();
  expect((await bob.post(linkOf(invitation, 'messagingInvitation', 'decline'))).status).toBe(204);
  expect(await ann.until('completed', 'messagingInvitation')).toMatchObject({
    status: 'Failure',
    reason: { subcode: 'Declined' },
  });
  expect(await bob.until('deleted', 'conversation')).toBeDefined();
});

test('a meeting is joined with an invitation of its own, and further participants are invited', async () => {
  const ann = await signedIn('ann', '1');
  const meeting = json(
    await ann.post(
      'onlineMeetings/myOnlineMeetings',
      '{"subject":"weekly","attendees":["sip:x@pool.example"]}',
    ),
  );
  expect(meeting).toMatchObject({ subject: 'weekly', attendees: ['sip:x@pool.example'] });
  const uri = String(meeting['onlineMeetingUri']);
  const joined = await ann.post(
    'communication/onlineMeetingInvitations',
    JSON.stringify({ onlineMeetingUri: uri, operationId: 'j' }),
  );
  expect(joined.status).toBe(201);
  const completed = await ann.until('completed', 'onlineMeetingInvitation');
  expect(completed._embedded?.['onlineMeetingInvitation']).toMatchObject({
    operationId: 'j',
    state: 'Connected',
  });
  const conversation = json(
    await ann.ask(linkOf(completed, 'onlineMeetingInvitation', 'conversation')),
  );
  const links = conversation['_links'] as UserLinks;
  expect(json(await ann.ask(links['onlineMeeting']?.href ?? ''))).toMatchObject({
    onlineMeetingUri: uri,
  });
  expect(
    (await ann.post(links['addParticipant']?.href ?? '', '{"to":"sip:jane.dow@pool.example"}'))
      .status,
  ).toBe(201);
  await ann.until('completed', 'participantInvitation');
  const participants = json(await ann.ask(links['participants']?.href ?? ''));
  expect(participants).toMatchObject({
    _embedded: { participant: [{ uri: 'sip:jane.dow@pool.example' }] },
  });
});
