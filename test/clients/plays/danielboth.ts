import { expect } from '@jest/globals';
import { authenticateMessage, negotiateMessage } from '../../simulator/sign-in/ntlm-messages.ts';
import type { Document } from '../document.ts';
import type { Asked, Heard } from '../http-client.ts';
import { originOf, type Play, type Stage } from '../play.ts';

const json = { 'Content-Type': 'application/json' };
const formType = { 'Content-Type': 'application/x-www-form-urlencoded;charset=UTF-8' };

/** A PowerShell module: Windows sign-in, one runspace that polls, and calls beside it. */
export const danielboth: Play = {
  client: 'danielboth/SkypeForBusinessClient',
  // One runspace polls. The calls of the other one are in turn.
  overlaps: false,
  run,
};

async function run({ http, discovery }: Stage): Promise<void> {
  await expect(http.ask('http://lyncdiscoverinternal.pool.example')).rejects.toThrow('no address');
  const found = (await http.ask(discovery, { headers: json })).json;
  const user = found.link('user');
  // The module signs in and works at the host of this link.
  const root = originOf(found.link('self'));
  const authorization = await windowsSignIn(root);

  async function windowsSignIn(base: string): Promise<string> {
    const one = http.ofOneConnection();
    const url = `${base}/WebTicket/oauthtoken`;
    const ask = (credential?: string): Promise<Heard> =>
      one.ask(url, {
        ...{ method: 'POST', body: 'grant_type=urn%3Amicrosoft.rtc%3Awindows' },
        expectsContinue: true,
        headers: {
          ...formType,
          ...(credential === undefined ? {} : { Authorization: credential }),
        },
      });
    const offered = await ask();
    expect([offered.status, offered.challenges]).toEqual([401, ['Negotiate', 'NTLM']]);
    expect((await ask(`Negotiate ${negotiateMessage()}`)).status).toBe(401);
    const granted = await ask(`Negotiate ${authenticateMessage('ann')}`);
    expect(granted.status).toBe(200);
    return `${granted.json.at('token_type').text} ${granted.json.at('access_token').text}`;
  }

  const ask = (url: string, asked: Asked = {}): Promise<Heard> =>
    http.ask(url, {
      ...asked,
      headers: { Authorization: authorization, ...json, ...asked.headers },
    });
  const post = (url: string, body?: string, headers = {}): Promise<Heard> =>
    ask(url, {
      method: 'POST',
      ...(body === undefined
        ? { headers: { 'Content-Length': '0' } }
        : { body, headers, expectsContinue: true }),
    });
  const { json: userResource } = await ask(user);
  const applications = userResource.link('applications');
  const created = await post(
    root + new URL(applications).pathname,
    JSON.stringify({ UserAgent: 'SkypeUcwa/PowerShell', EndpointId: 'p1', Culture: 'en-US' }),
  );
  expect(created.status).toBe(201);
  const application = created.json;

  let foundSendLink: (link: string) => void = () => undefined;
  const sendLink = new Promise<string>((resolve) => (foundSendLink = resolve));
  let next = application.link('events');
  const ending = new AbortController();
  const poll = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const answer = await ask(`${root}${next}&timeout=180`);
      next = answer.json.link('next');
      for (const event of answer.json.at('sender').items.flatMap((one) => one.at('events').items)) {
        const link = event.at('_embedded', 'messaging', '_links', 'sendMessage', 'href');
        if (link.exists) foundSendLink(link.text);
      }
    }
  };
  const polling = poll();
  const search = root + application.at('_embedded', 'people').link('search');
  const contacts = (await ask(`${search}?limit=10&query=da`)).json.at('_embedded', 'contact').items;
  expect(contacts.length).toBeGreaterThan(1);
  for (const contact of contacts) {
    const self = (await ask(root + contact.link('self'))).json;
    const presence = await ask(root + self.link('contactPresence'));
    expect([presence.status, presence.json.at('availability').exists]).toEqual([200, true]);
  }

  const group = `${root}${application.link('self')}/people/groupmemberships`;
  const added = await post(`${group}?contactUri=sip%3ajane.dow%40pool.example`);
  expect(added.status).toBe(204);

  const communication = application.at('_embedded', 'communication');
  const operationId = communication.names.find((name) => isPassBack(communication, name));
  const invited = await post(
    root + communication.link('startMessaging'),
    JSON.stringify({ operationId, to: 'sip:jane.dow@pool.example' }),
  );
  expect(invited.status).toBe(201);
  // Polling ends before the link comes only if a poll fails.
  const link = await Promise.race([sendLink, polling]);
  const conversation = root + String(link).replace(/\/messages$/, '');
  const messaging = (await ask(conversation)).json;
  const sent = await post(root + messaging.link('sendMessage'), 'Good morning', {
    'Content-Type': 'text/plain;charset=UTF-8',
  });
  expect(sent.status).toBe(201);
  ending.abort();
  await post(root + messaging.link('stopMessaging'));
  await polling;
}

/** Whether the value is the text that marks a property to pass back. */
function isPassBack(resource: Document, name: string): boolean {
  const value = resource.at(name);
  try {
    return value.text.startsWith('please pass this');
  } catch {
    return false;
  }
}
