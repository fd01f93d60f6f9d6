import { expect } from '@jest/globals';
import type { Document } from '../document.ts';
import type { Asked, Heard } from '../http-client.ts';
import { originOf, type Play, type Stage } from '../play.ts';

const urllib = {
  'Accept-Encoding': 'identity',
  'User-Agent': 'Python-urllib/3.11',
  Connection: 'close',
};
const form = "application/x-www-form-urlencoded;charset='utf-8'";

/** A library that starts a conversation. It signs in again where the application's host answers 500. */
export const jnlasher: Play = {
  client: 'jnlasher/Python-UCWA',
  overlaps: false,
  run,
};

async function run({ http, discovery }: Stage): Promise<void> {
  let token: string | undefined;
  const ask = (url: string, asked: Asked = {}): Promise<Heard> =>
    http.ask(url, {
      ...asked,
      headers: {
        ...urllib,
        Accept: 'application/json',
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...asked.headers,
      },
    });
  const post = (url: string, body: string, type = 'application/json'): Promise<Heard> =>
    ask(url, { method: 'POST', body, headers: { 'Content-Type': type } });
  const signIn = async (url: string): Promise<void> => {
    const fields = 'charset=UTF-8&grant_type=password&username=ann%40pool.example&password=x';
    const granted = await post(url, fields, form);
    expect(granted.status).toBe(200);
    token = granted.json.at('access_token').text;
  };

  const user = (await ask(discovery)).json.link('user');
  let root = originOf(user);
  const challenged = await ask(user);
  expect(challenged.status).toBe(401);
  // The client takes the first URL of all fields.
  await signIn(/https?:\/[\w$\-.&+!*(),/:]+/.exec(challenged.challenges.join())?.[0] ?? '');
  const applications = (await ask(user)).json.link('applications');
  const endpoint = { UserAgent: 'test', EndpointId: 'j1', Culture: 'en-US' };
  let created = await post(applications, JSON.stringify(endpoint));
  if (created.status === 500) {
    root = originOf(applications);
    token = undefined;
    await signIn(`${root}/WebTicket/oauthtoken`);
    created = await post(applications, JSON.stringify(endpoint));
  }
  expect(created.status).toBe(201);
  // The client reads the links of all embedded resources.
  for (const name of ['me', 'people', 'onlineMeetings', 'communication']) {
    expect(created.json.at('_embedded', name, '_links').exists).toBe(true);
  }
  let eventUrl = created.json.link('events');
  const events = async (): Promise<Document[]> => {
    const answer = await ask(root + eventUrl);
    eventUrl = answer.json.link('next');
    return answer.json.at('sender').items.flatMap((sender) => sender.at('events').items);
  };
  const start = created.json.at('_embedded', 'communication').link('startMessaging');
  const invited = await post(
    root + start,
    JSON.stringify({
      ...{ importance: 'Normal', sessionContext: '123456', subject: 'Sample Subject' },
      ...{ telemetryId: null, to: 'sip:jane.dow@pool.example', operationId: 'j1' },
    }),
  );
  expect(invited.status).toBe(201);
  let messaging: Document | undefined;
  while (messaging === undefined) {
    messaging = (await events())
      .map((event) => event.at('_embedded', 'messaging'))
      .find((one) => one.at('state').exists && one.at('state').text === 'Connected');
  }
  const sent = await post(root + messaging.link('sendMessage'), 'hello', form);
  expect(sent.status).toBe(201);
  await events();
  const stopped = await post(root + messaging.link('stopMessaging'), '', form);
  expect(stopped.status).toBe(204);
  await events();
}
