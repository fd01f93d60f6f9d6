/** Two users who talk to each other, and what each sees on the event channel. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { bearer, type ClientAnswer, json, send } from './http-client.ts';

let pool: Simulator;

beforeEach(async () => {
  pool = await startSimulator({ latency: 0, applications: 'any' });
});
afterEach(() => pool.stop());

interface Event {
  readonly type: string;
  readonly status?: string;
  readonly reason?: { readonly subcode: string };
  readonly link: { readonly rel: string; readonly href: string };
  readonly in?: { readonly rel: string };
  readonly _embedded?: Readonly<
    Record<string, Record<string, unknown> & { readonly _links: Links }>
  >;
}

type Links = Readonly<Record<string, { readonly href: string } | undefined>>;

/** A signed-in user with one application. */
class User {
  readonly base: string;
  readonly #name: string;
  #next: string;

  constructor(name: string, id: string) {
    this.#name = name;
    this.base = `/ucwa/oauth/v1/applications/${id}`;
    this.#next = `${this.base}/events?ack=1`;
  }

  ask(href: string, method = 'GET', body = '', type = 'application/json'): Promise<ClientAnswer> {
    const headers = { ...bearer(this.#name), 'Content-Type': type };
    return send(pool.url + href, { method, headers, body });
  }

  post(path: string, body = '', type?: string): Promise<ClientAnswer> {
    return this.ask(path.startsWith('/') ? path : `${this.base}/${path}`, 'POST', body, type);
  }

  async events(): Promise<Event[]> {
    const answer = json(await this.ask(this.#next)) as unknown as {
      _links: { next: { href: string } };
      sender?: ReadonlyArray<{ events: Event[] }>;
    };
    this.#next = answer._links.next.href;
    return (answer.sender ?? []).flatMap(({ events }) => events);
  }

  /** Resolves to the first event of this type and relation that satisfies the condition. */
  async until(
    type: string,
    rel: string,
    holds: (event: Event) => boolean = () => true,
  ): Promise<Event> {
    for (;;) {
      const found = (await this.events()).find(
        (event) => event.type === type && event.link.rel === rel && holds(event),
      );
      if (found) return found;
    }
  }
}

async function signedIn(name: string, id: string): Promise<User> {
  const user = new User(name, id);
  expect((await user.post('me/makeMeAvailable', '{}')).status).toBe(204);
  return user;
}

const hrefOf = (event: Event, rel: string, link: string): string =>
  event._embedded?.[rel]?._links[link]?.href ?? '';

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
  const accept = hrefOf(invitation, 'messagingInvitation', 'accept');
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
  await bob.post(hrefOf(invitation, 'messagingInvitation', 'accept'));
  const isConnected = (event: Event) => event._embedded?.['messaging']?.['state'] === 'Connected';
  const messaging = await ann.until('updated', 'messaging', isConnected);
  await ann.post(hrefOf(messaging, 'messaging', 'setIsTyping'));
  expect(
    await bob.until('added', 'participant', (event) => event.in?.rel === 'typingParticipants'),
  ).toBeDefined();
  const sent = await ann.post(hrefOf(messaging, 'messaging', 'sendMessage'), 'hello', 'text/plain');
  expect(sent.status).toBe(201);
  const isIncoming = (event: Event) => event._embedded?.['message']?.['direction'] === 'Incoming';
  const received = await bob.until('completed', 'message', isIncoming);
  expect(hrefOf(received, 'message', 'plainMessage')).toBe('data:text/plain;charset=utf8,hello');
  const sender = json(await bob.ask(hrefOf(received, 'message', 'participant')));
  expect(sender).toMatchObject({ rel: 'participant', uri: 'sip:ann@pool.example' });
  // A public client answers with a POST to the link of the message.
  expect((await bob.post(hrefOf(received, 'message', 'self'), 'hi', 'text/plain')).status).toBe(
    201,
  );
  const answered = await ann.until('completed', 'message', isIncoming);
  expect(hrefOf(answered, 'message', 'plainMessage')).toBe('data:text/plain;charset=utf8,hi');
  expect((await ann.post(hrefOf(messaging, 'messaging', 'stopMessaging'))).status).toBe(204);
  const ended = await bob.until('updated', 'messaging', (event) => event.reason !== undefined);
  expect(ended).toMatchObject({ reason: { subcode: 'Ended' } });
});

test('a declined invitation ends the conversation of both', async () => {
  const { ann, bob, invitation } = await connectedUsers();
  expect((await bob.post(hrefOf(invitation, 'messagingInvitation', 'decline'))).status).toBe(204);
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
    await ann.ask(hrefOf(completed, 'onlineMeetingInvitation', 'conversation')),
  );
  const links = conversation['_links'] as Links;
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
