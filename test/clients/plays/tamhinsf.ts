import { expect } from '@jest/globals';
import type { Asked, Heard } from '../http-client.ts';
import { foreignToken, originOf, type Play, type Stage } from '../play.ts';

const version = { 'X-MS-RequiresMinResourceVersion': '2' };

/** A console with a token of Azure AD: contacts, presence and meetings, one call after the other. */
export const tamhinsf: Play = {
  client: 'tamhinsf/ucwa-sfbo-console',
  overlaps: false,
  run,
};

async function run({ http, discovery }: Stage): Promise<void> {
  const ask = (url: string, asked: Asked = {}): Promise<Heard> =>
    http.ask(url, {
      ...asked,
      headers: {
        Authorization: `Bearer ${foreignToken}`,
        Accept: 'application/json',
        ...asked.headers,
      },
    });
  const post = (url: string, body: object | undefined, headers = {}): Promise<Heard> =>
    ask(url, {
      method: 'POST',
      ...(body === undefined
        ? { headers: { 'Content-Length': '0', ...headers } }
        : {
            body: JSON.stringify(body),
            headers: { 'Content-Type': 'application/json; charset=utf-8', ...headers },
          }),
    });

  let user = (await ask(`${discovery}/autodiscover/autodiscoverservice.svc/root`)).json.link(
    'user',
  );
  let found = (await ask(user)).json;
  while (found.at('_links', 'redirect').exists) {
    user = `${found.link('redirect')}/oauth/user`;
    found = (await ask(user)).json;
  }
  const applications = found.link('applications');
  const host = originOf(applications);
  const created = await post(applications, {
    UserAgent: 'myAgent',
    EndpointId: '1234',
    Culture: 'en-US',
  });
  expect(created.status).toBe(201);
  const application = created.json;
  const available = await post(host + application.at('_embedded', 'me').link('makeMeAvailable'), {
    SupportedModalities: ['Messaging'],
  });
  expect(available.status).toBe(204);

  const memberships = host + application.at('_embedded', 'people').link('myGroupMemberships');
  expect((await ask(memberships)).status).toBe(200);
  const added = await post(
    `${memberships}?contactUri=sip:jane.dow@pool.example`,
    undefined,
    version,
  );
  expect([added.status, added.text]).toEqual([204, '']);
  const listed = (await ask(memberships)).json;
  const removal = host + listed.link('removeContactFromAllGroups');
  const removed = await post(`${removal}?contactUri=sip:jane.dow@pool.example`, undefined, version);
  expect([removed.status, removed.text]).toEqual([204, '']);

  const meetings = host + application.at('_embedded', 'onlineMeetings').link('myOnlineMeetings');
  const meeting = await post(meetings, {
    subject: 's',
    description: 'd',
    attendees: ['sip:jane.dow@pool.example'],
  });
  expect(meeting.status).toBe(201);
  expect((await ask(meetings)).json.at('_embedded', 'myOnlineMeeting').items).toHaveLength(1);
  const deleted = await ask(host + meeting.json.link('self'), { method: 'DELETE' });
  expect([deleted.status, deleted.text]).toEqual([204, '']);

  const self = (await ask(host + application.link('self'))).json;
  const presence = await post(host + self.at('_embedded', 'me').link('presence'), {
    availability: 'Away',
  });
  expect(presence.status).toBe(204);
  const events = await ask(host + self.link('events'));
  expect(events.status).toBe(200);
}
