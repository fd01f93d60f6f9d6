import { expect } from '@jest/globals';
import type { Document } from '../document.ts';
import type { Asked, Heard } from '../http-client.ts';
import { originOf, type Play, type Stage } from '../play.ts';

/** A .NET Framework library. It asks four discovery addresses, and needs `Content-Length` on answers. */
export const shelbyz: Play = {
  client: 'ShelbyZ/UCWA.NET',
  overlaps: false,
  run,
};

async function run({ http, discovery }: Stage): Promise<void> {
  let authorization: string | undefined;
  let base = '';
  const ask = async (url: string, asked: Asked = {}): Promise<Heard> => {
    const answer = await http.ask(url.startsWith('/') ? base + url : url, {
      ...asked,
      expectsContinue: asked.body !== undefined,
      headers: {
        ...(authorization === undefined ? {} : { Authorization: authorization }),
        ...asked.headers,
      },
    });
    // The client drops a body without a length.
    if (answer.text !== '') expect(Number(answer.headers['content-length'])).toBeGreaterThan(0);
    return answer;
  };
  const post = (url: string, body?: string, type = 'application/json'): Promise<Heard> =>
    ask(url, {
      method: 'POST',
      ...(body === undefined
        ? { headers: { 'Content-Length': '0' } }
        : { body, headers: { 'Content-Type': type } }),
    });

  const internal = 'lyncdiscoverinternal.pool.example';
  const tries = ['https', 'http'].map((scheme) => ask(`${scheme}://${internal}`));
  const outcomes = await Promise.allSettled(tries);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  const user = (await ask(discovery)).json.link('user');
  const challenged = await ask(user);
  expect(challenged.status).toBe(401);
  const oauth = /MsRtcOAuth href="([^"]*)"/.exec(challenged.challenges.join())?.[1] ?? '';
  const signIn = async (url: string) => {
    const fields = 'grant_type=password&username=ann@pool.example&password=x';
    const granted = await post(url, fields, 'application/x-www-form-urlencoded;charset=UTF-8');
    expect(granted.status).toBe(200);
    authorization = `${granted.json.at('token_type').text} ${granted.json.at('access_token').text}`;
  };
  await signIn(oauth);
  const root = (await ask(user)).json;
  base = originOf(root.link('self'));
  const applications = root.link('applications');
  if (originOf(applications) !== base) {
    base = originOf(applications);
    await signIn(`${base}/webticket/oauthtoken`);
  }
  const created = await post(
    applications,
    JSON.stringify({ culture: 'en-US', endpointId: 's1', userAgent: 'tester' }),
  );
  expect(created.status).toBe(201);
  const me = created.json.at('_embedded', 'me');
  const available = await post(me.link('makeMeAvailable'), '{"supportedModalities":["Messaging"]}');
  expect(available.status).toBe(204);
  // The poll runs in a task of its own, beside the calls.
  let eventsUrl = created.json.link('events');
  const poll = async (): Promise<Document> => {
    const { json } = await ask(eventsUrl);
    eventsUrl = json.at('_links', 'resync').exists ? json.link('resync') : json.link('next');
    return json;
  };
  const polled = poll();
  const self = await ask(me.link('self'));
  const activity = self.json.link('reportMyActivity');
  expect((await post(activity)).status).toBe(204);
  const [first] = (await polled).at('sender').items;
  expect(first?.at('rel').text).toBe('me');
  expect(eventsUrl).toMatch(/ack=2$/);
}
