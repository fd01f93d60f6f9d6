import { expect } from '@jest/globals';
import type { Document } from '../document.ts';
import type { Asked, Heard } from '../http-client.ts';
import { foreignToken, originOf, type Play, type Stage } from '../play.ts';

/** A .NET library: every call asks for revision 2, and an event starts several calls at a time. */
export const kenakamu: Play = {
  client: 'kenakamu/UCWA2.0-CS',
  overlaps: true,
  run,
};

async function run({ http, discovery, peer }: Stage): Promise<void> {
  let host = '';
  const ask = (url: string, asked: Asked = {}): Promise<Heard> =>
    http.ask(url.startsWith('http') ? url : host + url, {
      ...asked,
      headers: {
        'X-MS-RequiresMinResourceVersion': '2.0',
        Authorization: `Bearer ${foreignToken}`,
        ...asked.headers,
      },
    });
  const post = (url: string, body: object | string | undefined): Promise<Heard> =>
    ask(url, {
      method: 'POST',
      ...(body === undefined
        ? { headers: { 'Content-Length': '0' } }
        : {
            body: typeof body === 'string' ? body : JSON.stringify(body),
            headers: {
              'Content-Type': `${typeof body === 'string' ? 'text/plain' : 'application/json'}; charset=utf-8`,
            },
          }),
    });

  const root = await http.ask(discovery, { headers: { Accept: 'application/json' } });
  const user = await ask(root.json.link('user'));
  expect(user.status).toBe(200);
  const applications = user.json.link('applications');
  host = originOf(applications);
  const created = await post(applications, {
    UserAgent: 'ucwa',
    EndpointId: 'k1',
    Culture: 'en-US',
  });
  expect(created.status).toBe(201);
  const embeddedMe = created.json.at('_embedded', 'me');
  const available = await post(embeddedMe.link('makeMeAvailable'), {
    ...{
      signInAs: 'Online',
      supportedModalities: ['Messaging'],
      supportedMessageFormats: ['Plain'],
    },
  });
  expect(available.status).toBe(204);
  const application = (await ask(created.json.link('self'))).json;
  const me = application.at('_embedded', 'me');

  let next = application.link('events');
  const events = async (): Promise<Document[]> => {
    const { json } = await ask(next);
    next = json.link('next');
    return json.at('sender').items.flatMap((sender) => sender.at('events').items);
  };
  // Keeping alive and the first calls of the program overlap.
  const [alive, ...own] = await Promise.all([
    post(me.link('reportMyActivity'), undefined),
    ...['note', 'presence', 'location'].map((rel) => ask(me.link(rel))),
  ]);
  expect([alive.status, ...own.map(({ status }) => status)]).toEqual([204, 200, 200, 200]);

  const people = application.at('_embedded', 'people');
  const contacts = (await ask(people.link('myContacts'))).json.at('_embedded', 'contact').items;
  const uris = contacts.slice(0, 4).map((contact) => contact.at('uri').text);
  const subscribed = await post(people.link('presenceSubscriptions'), { duration: 30, uris });
  expect(subscribed.status).toBe(201);
  const changed = new Set<string>();
  while (changed.size < 2 * uris.length) {
    const links = (await events()).map((event) => event.at('link'));
    const news = links.filter((link) => /^contact(Presence|Note)$/.test(link.at('rel').text));
    const hrefs = news.map((link) => link.at('href').text);
    const answers = await Promise.all(hrefs.map((href) => ask(href)));
    expect(answers.map(({ status }) => status)).toEqual(hrefs.map(() => 200));
    for (const href of hrefs) changed.add(href);
  }

  const meetings = application.at('_embedded', 'onlineMeetings').link('myOnlineMeetings');
  const meeting = (await post(meetings, { subject: 'weekly' })).json;
  const passBack = { ...named(meeting), subject: 'daily' };
  const put = await ask(meeting.link('self'), {
    method: 'PUT',
    body: JSON.stringify(passBack),
    headers: {
      'Content-Type': 'application/json; charset=utf-8',
      'If-Match': `"${meeting.at('etag').text}"`,
    },
  });
  expect([put.status, put.json.at('subject').text]).toEqual([200, 'daily']);

  // The library reads the invitation at the Location that it gets.
  const communication = application.at('_embedded', 'communication');
  const invited = await post(communication.link('startMessaging'), {
    ...{ subject: 's', to: 'sip:carol@pool.example', operationId: 'k-op' },
  });
  const location = String(invited.headers['location']);
  expect((await ask(location)).json.at('operationId').text).toBe('k-op');
  const received = await peer.until('started', 'messagingInvitation');
  const accept = received._embedded?.['messagingInvitation']?._links['accept']?.href ?? '';
  expect((await peer.post(accept)).status).toBe(204);
  let send: Document | undefined;
  while (send === undefined) {
    const links = (await events()).map((event) =>
      event.at('_embedded', 'messaging', '_links', 'sendMessage', 'href'),
    );
    send = links.find((link) => link.exists);
  }
  expect((await post(send.text, 'hi')).status).toBe(201);
  expect(await peer.heard()).toBe('hi');
  expect((await ask(application.link('self'), { method: 'DELETE' })).status).toBe(204);
}

/** Returns the property that a PUT must pass back. */
function named(resource: Document): Record<string, string> {
  const [token = ''] = resource.names;
  return { [token]: resource.at(token).text };
}
