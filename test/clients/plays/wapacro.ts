import { expect } from '@jest/globals';
import type { Asked, Heard } from '../http-client.ts';
import { originOf, type Play, type Stage } from '../play.ts';

const origin = 'http://intranet.example';

/** A library on curl that names an origin and the XFrame page, and sends its sign-in as form data. */
export const wapacro: Play = {
  client: 'wapacro/Skype-for-Business-UCWA-PHP',
  overlaps: false,
  run,
};

async function run({ http, discovery }: Stage): Promise<void> {
  const first = await http.ask(discovery, {
    headers: { Accept: 'application/json', 'X-Ms-Origin': origin },
  });
  expect(first.status).toBe(200);
  const user = new URL(first.json.link('user'));
  const xframe = new URL(first.json.link('xframe')).pathname;
  let base = user.origin;
  let token: string | undefined;
  const ask = (path: string, asked: Asked = {}): Promise<Heard> =>
    http.ask(base + path, {
      ...asked,
      headers: {
        Referer: base + xframe,
        Accept: '*/*',
        'X-Ms-Origin': origin,
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...asked.headers,
      },
    });
  // The client always writes a question mark.
  const userPath = `${user.pathname}?${user.search.slice(1)}`;
  const challenged = await ask(userPath, { method: 'HEAD' });
  expect([challenged.status, challenged.text]).toEqual([401, '']);
  const oauth = new URL(/href=["']?([^"'>]+)["']?/.exec(challenged.challenges.join())?.[1] ?? '');
  const signIn = async (): Promise<string> => {
    token = undefined;
    const mark = '------------------------5f1a';
    const fields = { grant_type: 'password', username: 'ann', password: 'x' };
    const parts = Object.entries(fields).map(
      ([name, value]) =>
        `--${mark}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    );
    const granted = await ask(oauth.pathname, {
      method: 'POST',
      headers: { 'Content-Type': `multipart/form-data; boundary=${mark}` },
      body: `${parts.join('')}--${mark}--\r\n`,
    });
    expect(granted.status).toBe(200);
    token = granted.json.at('access_token').text;
    const found = await ask(userPath);
    return found.status === 200 ? found.json.link('applications') : '';
  };
  const applications = await signIn();
  if (originOf(applications) !== base) {
    base = originOf(applications);
    await signIn();
  }
  const post = (path: string, body: string, type = 'application/json'): Promise<Heard> =>
    ask(path, { method: 'POST', body, headers: { 'Content-Type': type } });
  const created = await post(
    new URL(applications).pathname,
    JSON.stringify({ userAgent: 'php', endpointId: 'w1', culture: 'de-CH' }),
  );
  expect(created.status).toBe(201);
  const communication = created.json.at('_embedded', 'communication');
  // The client takes the first property, with the random name, for an operation id.
  const [operationId] = communication.names;
  const invited = await post(
    communication.link('startMessaging'),
    JSON.stringify({
      ...{ importance: 'Normal', sessionContext: 'c', subject: 's', telemetryId: null },
      ...{ to: 'sip:jane.dow@pool.example', operationId },
    }),
  );
  expect(invited.status).toBe(201);
  let next = created.json.link('events');
  let send = '';
  let terminate = '';
  while (send === '') {
    const { json } = await ask(next);
    next = json.link('next');
    const conversations = json
      .at('sender')
      .items.filter((one) => one.at('rel').text === 'conversation');
    for (const event of conversations.flatMap((one) => one.at('events').items)) {
      const messaging = event.at('_embedded', 'messaging');
      if (!messaging.exists || messaging.at('state').text !== 'Connected') continue;
      send = messaging.link('sendMessage');
      terminate = messaging.link('stopMessaging');
    }
  }
  const plain = 'text/plain; charset=UTF-8';
  expect((await post(send, 'Grüezi', plain)).status).toBe(201);
  expect((await post(terminate, 'Exterminate!', plain)).status).toBe(204);
}
