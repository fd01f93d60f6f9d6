import { expect } from '@jest/globals';
import type { Document } from '../document.ts';
import type { Asked, Heard } from '../http-client.ts';
import { foreignToken, originOf, type Play, type Stage } from '../play.ts';

/** A .NET library: every call asks for revision 2. A task reads what events name, beside other calls. */
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

  const root = (await http.ask(discovery, { headers: { Accept: 'application/json' } })).json;
  expect(root.at('_links', 'redirect').exists).toBe(false);
  const user = await ask(root.link('user'));
  expect(user.status).toBe(200);
  const applications = user.json.link('applications');
  // The library takes the host of the user resource for all relative links.
  host = originOf(user.json.link('self'));
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
  const readInTurn = async (hrefs: readonly string[]): Promise<number[]> => {
    const statuses: number[] = [];
    for (const href of hrefs) statuses.push((await ask(href)).status);
    return statuses;
  };
  const isOfContact = (event: Document): boolean =>
    /^contact(Presence|Note)$/.test(event.at('link', 'rel').text);
  /** Reads the contact and the resource of each event about a contact, until enough have come. */
  const monitor = async (first: readonly Document[], count: number): Promise<void> => {
    let seen = 0;
    for (let news = first; ; news = await events()) {
      for (const event of news.filter(isOfContact)) {
        const hrefs = [event.at('in', 'href').text, event.at('link', 'href').text];
        expect(await readInTurn(hrefs)).toEqual([200, 200]);
        seen += 1;
      }
      if (seen >= count) return;
    }
  };

  const people = application.at('_embedded', 'people');
  const contacts = (await ask(people.link('myContacts'))).json.at('_embedded', 'contact').items;
  const uris = contacts.slice(0, 4).map((contact) => contact.at('uri').text);
  const subscribed = await post(people.link('presenceSubscriptions'), { duration: 30, uris });
  expect(subscribed.status).toBe(201);
  let news = await events();
  while (!news.some(isOfContact)) news = await events();
  // One task keeps the application alive, a second one follows events, and the program reads on.
  const [alive, read] = await Promise.all([
    post(me.link('reportMyActivity'), undefined),
    readInTurn(['note', 'presence', 'location', 'phones', 'photo'].map((rel) => me.link(rel))),
    monitor(news, 2 * uris.length),
  ]);
  expect([alive.status, read]).toEqual([204, [200, 200, 200, 200, 200]]);

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
