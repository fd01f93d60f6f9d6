import { expect } from '@jest/globals';
import type { Document } from '../document.ts';
import type { Heard } from '../http-client.ts';
import { foreignToken, originOf, type Play, type Stage } from '../play.ts';

const origin = 'http://127.0.0.1:5000';
const agent = 'SkypeWeb/0.4.275 master UCWA/1.0.0';

/** A bot with a token of Azure AD, which writes the fields of Microsoft's web SDK. */
export const tonybaloney: Play = {
  client: 'tonybaloney/pyucwa',
  overlaps: false,
  run,
};

async function run({ http, discovery, peer }: Stage): Promise<void> {
  let id = 0;
  const fields = () => {
    id += 1;
    return {
      Authorization: `Bearer ${foreignToken}`,
      Origin: origin,
      'Client-Request-Id': `WebSDK/${id}`,
      Accept: 'application/json',
      'Accept-Encoding': 'gzip, deflate',
      'X-MS-Correlation-Id': String(id),
      'X-Ms-Namespace': 'internal',
      'X-Ms-SDK-Instance': agent,
      Referer: `${origin}/`,
    };
  };
  const get = async (url: string): Promise<Document> => {
    const headers = { ...fields(), 'X-Requested-With': 'XMLHttpRequest' };
    const answer = await http.ask(url, { headers });
    expect([answer.status, answer.headers['x-ms-correlation-id']]).toEqual([200, String(id)]);
    return answer.json;
  };
  const post = (url: string, message: object | string): Promise<Heard> =>
    http.ask(url, {
      method: 'POST',
      headers: { ...fields(), 'Content-Type': 'application/json' },
      body: JSON.stringify(message),
    });

  const root = await http.ask(
    `${discovery}/autodiscover/autodiscoverservice.svc/root?originalDomain=pool.example`,
  );
  const user = root.json.link('user');
  const found = await get(`${originOf(user)}/Autodiscover/AutodiscoverService.svc/root/oauth/user`);
  const resource = originOf(found.link('applications'));
  const created = await post(`${resource}/ucwa/oauth/v1/applications`, {
    ...{ UserAgent: agent, EndpointId: 't1', Culture: 'en-US' },
  });
  expect(created.status).toBe(201);
  const application = created.json;
  const available = await post(
    // The client builds this path from the id of the application.
    `${resource}/ucwa/oauth/v1/applications/${application.at('id').text}/me/makeMeAvailable`,
    { SupportedModalities: ['Messaging'] },
  );
  expect(available.status).toBe(204);

  let eventUrl = application.link('events');
  const events = async (): Promise<Document[]> => {
    const answer = await get(resource + eventUrl);
    eventUrl = answer.link('next');
    return answer.at('sender').items.flatMap((sender) => sender.at('events').items);
  };
  const conversing = peer.converse('sip:ann@pool.example');
  let isAnswered = false;
  while (!isAnswered) {
    for (const event of await events()) {
      const invitation = event.at('_embedded', 'messagingInvitation');
      if (
        event.at('link', 'rel').text === 'messagingInvitation' &&
        invitation.at('_links', 'accept').exists
      ) {
        expect(invitation.at('_embedded', 'from', 'name').text).toBe('Carol');
        expect((await post(resource + invitation.link('accept'), {})).status).toBe(204);
        await conversing;
      } else if (event.at('link', 'rel').text === 'conversation') {
        const conversation = await get(resource + event.at('link', 'href').text);
        if (conversation.at('state').text !== 'Connected') continue;
        expect(
          (await post(`${resource}${conversation.link('messaging')}/messages`, 'hi')).status,
        ).toBe(201);
        isAnswered = true;
      }
    }
  }
  await peer.heard();
}
